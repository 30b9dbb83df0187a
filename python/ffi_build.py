# SPDX-License-Identifier: MIT
"""Generate the C source of `isthmus._bridge`: `ffi_build.py OUT HEADER...`."""

import re
import sys
from pathlib import Path

import cffi


def declarations(header: str) -> str:
    """Return the header as cffi reads it: without comments, preprocessor and C++."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    return text.replace("ISTHMUS_API", "")


def main() -> None:
    """Write the C source, and say what is missing in the call if that cannot be."""
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} OUT HEADER..., found {len(sys.argv) - 1} arguments")
    out, *headers = (Path(argument) for argument in sys.argv[1:])
    ffi = cffi.FFI()
    for header in headers:  # each declares what the next one needs
        ffi.cdef(declarations(header.read_text(encoding="utf-8")))
    ffi.set_source("isthmus._bridge", '#include "isthmus.h"')
    ffi.emit_c_code(str(out))


if __name__ == "__main__":
    main()
