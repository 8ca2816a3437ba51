"""The quickstart's own package."""


def hello(name: str) -> str:
    return f"Hello {name}, from a wheel built beside the job."
