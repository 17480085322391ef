"""The one exception."""


class CPCError(Exception):
    """Anything the caller can mend. The message names the value, the rule it breaks and the next step."""
