#include "server/api.hpp"

namespace rtenv::server {
namespace {

// OpenAPI 3.1. Additions to Ray's API say "not in Ray".
constexpr std::string_view k_document = R"json({
  "openapi": "3.1.0",
  "info": {
    "title": "rtenv job server", "version": "4",
    "description": "Ray's Jobs API (2.60). Errors are text/plain: one sentence."
  },
  "components": {
    "securitySchemes": {
      "bearer": {"type": "http", "scheme": "bearer"},
      "ray": {"type": "apiKey", "in": "header", "name": "X-Ray-Authorization"},
      "cookie": {"type": "apiKey", "in": "cookie", "name": "ray-authentication-token"}
    },
    "parameters": {
      "id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
      "jobId": {"name": "job_id", "in": "query", "required": true, "schema": {"type": "string"}},
      "protocol": {
        "name": "protocol", "in": "path", "required": true,
        "schema": {"type": "string", "enum": ["gcs"]}
      },
      "name": {
        "name": "name", "in": "path", "required": true,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255}
      },
      "offset": {
        "name": "offset", "in": "query",
        "schema": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807}
      },
      "limit": {
        "name": "limit", "in": "query",
        "schema": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807}
      },
      "tailLines": {
        "name": "tail_lines", "in": "query",
        "schema": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807}
      }
    },
    "responses": {
      "Error": {
        "description": "The error, in one sentence",
        "content": {"text/plain": {"schema": {"type": "string"}}}
      }
    },
    "schemas": {
      "Status": {
        "type": "string", "enum": ["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]
      },
      "Strings": {"type": "object", "additionalProperties": {"type": "string"}},
      "Submission": {
        "type": "object", "required": ["entrypoint"], "additionalProperties": false,
        "properties": {
          "entrypoint": {
            "type": "string", "pattern": "^[^\\u0000]*[^\\u0000 \\t\\r\\n][^\\u0000]*$",
            "description": "A command for /bin/sh -c"
          },
          "submission_id": {
            "type": ["string", "null"], "pattern": "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$"
          },
          "job_id": {
            "type": ["string", "null"], "description": "The former name of submission_id"
          },
          "runtime_env": {"type": ["object", "null"]},
          "metadata": {"anyOf": [{"$ref": "#/components/schemas/Strings"}, {"type": "null"}]},
          "entrypoint_num_cpus": {
            "type": ["number", "null"], "minimum": 0, "maximum": 1000000000000000
          },
          "entrypoint_num_gpus": {
            "anyOf": [
              {"type": ["number", "null"], "minimum": 0, "maximum": 1},
              {"type": "integer", "minimum": 0, "maximum": 1000000000000000}
            ]
          },
          "entrypoint_memory": {
            "type": ["integer", "null"], "minimum": 0, "maximum": 1000000000000000,
            "description": "In bytes"
          },
          "entrypoint_resources": {
            "type": ["object", "null"],
            "propertyNames": {"not": {"enum": ["CPU", "GPU", "memory"]}},
            "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1000000000000000}
          },
          "entrypoint_label_selector": {
            "anyOf": [{"$ref": "#/components/schemas/Strings"}, {"type": "null"}]
          }
        }
      },
      "Submitted": {
        "type": "object", "required": ["job_id"],
        "properties": {"job_id": {"type": "string"}, "submission_id": {"type": "string"}}
      },
      "Job": {
        "type": "object", "additionalProperties": false,
        "required": [
          "type", "job_id", "submission_id", "driver_info", "status", "entrypoint", "message",
          "error_type", "start_time", "end_time", "metadata", "runtime_env",
          "driver_agent_http_address", "driver_node_id", "driver_exit_code"
        ],
        "properties": {
          "type": {"const": "SUBMISSION"}, "job_id": {"type": "null"},
          "submission_id": {"type": "string"}, "driver_info": {"type": "null"},
          "status": {"$ref": "#/components/schemas/Status"}, "entrypoint": {"type": "string"},
          "message": {"type": ["string", "null"]}, "error_type": {"type": ["string", "null"]},
          "start_time": {"type": "integer"}, "end_time": {"type": ["integer", "null"]},
          "metadata": {"anyOf": [{"$ref": "#/components/schemas/Strings"}, {"type": "null"}]},
          "runtime_env": {"type": ["object", "null"]},
          "driver_agent_http_address": {"type": ["string", "null"]},
          "driver_node_id": {"type": ["string", "null"]},
          "driver_exit_code": {"type": ["integer", "null"]}
        }
      },
      "Logs": {"type": "object", "required": ["logs"], "properties": {"logs": {"type": "string"}}}
    }
  },
  "security": [{}, {"bearer": []}, {"ray": []}, {"cookie": []}],
  "paths": {
    "/api/healthz": {
      "get": {
        "summary": "Whether the server answers",
        "responses": {
          "200": {
            "description": "It does",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object", "required": ["status"],
                  "properties": {"status": {"type": "string", "enum": ["ok"]}}
                }
              }
            }
          },
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/version": {
      "get": {
        "summary": "The versions that this server reports to Ray's clients",
        "responses": {
          "200": {
            "description": "The versions",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object", "additionalProperties": false,
                  "required": ["version", "ray_version", "ray_commit", "session_name"],
                  "properties": {
                    "version": {"type": "string"}, "ray_version": {"type": "string"},
                    "ray_commit": {"type": "string"}, "session_name": {"type": "string"}
                  }
                }
              }
            }
          },
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/openapi.json": {
      "get": {
        "summary": "This document",
        "responses": {
          "200": {
            "description": "OpenAPI 3.1",
            "content": {"application/json": {"schema": {"type": "object"}}}
          },
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/packages/{protocol}/{name}": {
      "parameters": [
        {"$ref": "#/components/parameters/protocol"}, {"$ref": "#/components/parameters/name"}
      ],
      "get": {
        "summary": "Check for a package; if it exists, it is kept for at least ten minutes",
        "responses": {
          "200": {
            "description": "The package exists",
            "content": {"text/plain": {"schema": {"type": "string"}}}
          },
          "400": {"$ref": "#/components/responses/Error"},
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      },
      "put": {
        "summary": "Upload a package",
        "requestBody": {
          "required": true,
          "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
          }
        },
        "responses": {
          "200": {
            "description": "The package is stored",
            "content": {"text/plain": {"schema": {"type": "string"}}}
          },
          "400": {"$ref": "#/components/responses/Error"},
          "413": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/": {
      "post": {
        "summary": "Submit a job",
        "requestBody": {
          "required": true,
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Submission"}}}
        },
        "responses": {
          "200": {
            "description": "The job is stored on disk",
            "content": {
              "application/json": {"schema": {"$ref": "#/components/schemas/Submitted"}}
            },
            "links": {
              "details": {
                "operationId": "details", "parameters": {"id": "$response.body#/submission_id"}
              },
              "remove": {
                "operationId": "remove", "parameters": {"id": "$response.body#/submission_id"}
              },
              "stop": {
                "operationId": "stop", "parameters": {"id": "$response.body#/submission_id"}
              },
              "logs": {
                "operationId": "logs", "parameters": {"id": "$response.body#/submission_id"}
              },
              "extras": {
                "operationId": "extras", "parameters": {"id": "$response.body#/submission_id"}
              }
            }
          },
          "400": {"$ref": "#/components/responses/Error"},
          "409": {"$ref": "#/components/responses/Error"},
          "413": {"$ref": "#/components/responses/Error"},
          "503": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      },
      "get": {
        "summary": "List all jobs in the order of submission",
        "parameters": [
          {
            "name": "status", "in": "query",
            "description": "Only jobs with this status (not in Ray)",
            "schema": {"$ref": "#/components/schemas/Status"}
          },
          {"$ref": "#/components/parameters/limit"}, {"$ref": "#/components/parameters/offset"}
        ],
        "responses": {
          "200": {
            "description": "The details of the jobs",
            "content": {
              "application/json": {
                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}}
              }
            }
          },
          "400": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/{id}": {
      "parameters": [{"$ref": "#/components/parameters/id"}],
      "get": {
        "operationId": "details",
        "summary": "The details of a job; env_vars are redacted for browsers",
        "responses": {
          "200": {
            "description": "The details",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}
          },
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      },
      "delete": {
        "operationId": "remove", "summary": "Delete a job that has ended, and its log",
        "responses": {
          "200": {
            "description": "The job is deleted",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object", "required": ["deleted"],
                  "properties": {"deleted": {"const": true}}
                }
              }
            }
          },
          "404": {"$ref": "#/components/responses/Error"},
          "409": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/{id}/stop": {
      "parameters": [{"$ref": "#/components/parameters/id"}],
      "post": {
        "operationId": "stop", "summary": "Stop a job",
        "parameters": [
          {
            "name": "now", "in": "query", "schema": {"type": "integer", "enum": [0, 1]},
            "description": "1: by SIGKILL, also if it is being stopped already"
          }
        ],
        "responses": {
          "200": {
            "description": "false if the job had already ended",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object", "required": ["stopped"],
                  "properties": {"stopped": {"type": "boolean"}}
                }
              }
            }
          },
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/{id}/logs": {
      "parameters": [{"$ref": "#/components/parameters/id"}],
      "get": {
        "operationId": "logs",
        "summary": "The output of a job so far; bytes that aren't UTF-8 become U+FFFD",
        "parameters": [
          {"$ref": "#/components/parameters/offset"},
          {"$ref": "#/components/parameters/tailLines"}
        ],
        "responses": {
          "200": {
            "description": "The output",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Logs"}}}
          },
          "400": {"$ref": "#/components/responses/Error"},
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/{id}/logs/tail": {
      "parameters": [
        {"$ref": "#/components/parameters/id"}, {"$ref": "#/components/parameters/offset"},
        {
          "name": "raw", "in": "query",
          "description": "1: the bytes as they are, in binary messages (not in Ray)",
          "schema": {"type": "string"}
        }
      ],
      "get": {
        "summary": "A websocket: a job's output as it is written; closed with 1000 after its end",
        "responses": {
          "101": {"description": "The websocket protocol"},
          "400": {"$ref": "#/components/responses/Error"},
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/submit": {
      "post": {
        "summary": "Submit a job (first beta of the API)",
        "requestBody": {
          "required": true,
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Submission"}}}
        },
        "responses": {
          "200": {
            "description": "The job is stored on disk",
            "content": {
              "application/json": {"schema": {"$ref": "#/components/schemas/Submitted"}}
            }
          },
          "400": {"$ref": "#/components/responses/Error"},
          "409": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/status": {
      "get": {
        "summary": "The status of a job (first beta of the API)",
        "parameters": [{"$ref": "#/components/parameters/jobId"}],
        "responses": {
          "200": {
            "description": "The status",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object", "required": ["job_status"],
                  "properties": {"job_status": {"$ref": "#/components/schemas/Status"}}
                }
              }
            }
          },
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/jobs/logs": {
      "get": {
        "summary": "The output of a job (first beta of the API)",
        "parameters": [{"$ref": "#/components/parameters/jobId"}],
        "responses": {
          "200": {
            "description": "The output",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Logs"}}}
          },
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/rtenv/version": {
      "get": {
        "summary": "The version of rtenv (not in Ray)",
        "responses": {
          "200": {
            "description": "The version",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object", "required": ["rtenv_version"],
                  "properties": {"rtenv_version": {"type": "string"}}
                }
              }
            }
          },
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    },
    "/api/rtenv/jobs/{id}": {
      "parameters": [{"$ref": "#/components/parameters/id"}],
      "get": {
        "operationId": "extras", "summary": "Details of a job that Ray doesn't have (not in Ray)",
        "responses": {
          "200": {
            "description": "Phase, GPUs, resource usage and size of the log",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "required": ["submission_id", "status", "phase", "gpus", "usage", "log_bytes"],
                  "properties": {
                    "submission_id": {"type": "string"},
                    "status": {"$ref": "#/components/schemas/Status"},
                    "phase": {
                      "type": "string",
                      "enum": ["queued", "preparing", "ready", "running", "ended"]
                    },
                    "gpus": {"type": "array", "items": {"type": "integer"}},
                    "usage": {"type": ["object", "null"]}, "log_bytes": {"type": "integer"}
                  }
                }
              }
            }
          },
          "404": {"$ref": "#/components/responses/Error"},
          "default": {"$ref": "#/components/responses/Error"}
        }
      }
    }
  }
})json";

}  // namespace

std::string_view openapi_document() { return k_document; }

}  // namespace rtenv::server
