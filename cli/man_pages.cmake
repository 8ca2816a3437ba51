# cmake -D RTENV=… -D FOLDER=… -P man_pages.cmake: writes the man pages of the tool and of its commands.
execute_process(COMMAND ${RTENV} __man --list
  OUTPUT_VARIABLE pages OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})
string(REPLACE "\n" ";" pages "${pages}")
list(REVERSE pages)  # the tool's own is the last one, so that it stands for all to the build
foreach(page IN LISTS pages)
  string(REPLACE " " "-" name ${page})
  separate_arguments(words UNIX_COMMAND ${page})
  list(POP_FRONT words)
  execute_process(COMMAND ${RTENV} __man ${words} OUTPUT_FILE ${FOLDER}/${name}.1 COMMAND_ERROR_IS_FATAL ANY)
endforeach()
