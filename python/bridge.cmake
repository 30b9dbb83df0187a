# SPDX-License-Identifier: MIT
# Extension `isthmus._bridge`: the headers that Python needs, compiled by cffi. Expects
# Python to be found with Interpreter and Development.Module, and the target isthmus.
set(bridge_headers status array model emulator runtime) # for the rest Python has torch
list(TRANSFORM bridge_headers
  REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/bridge/include/isthmus/\\1.h")
set(bridge_source ${CMAKE_CURRENT_BINARY_DIR}/_bridge.c)

add_custom_command(OUTPUT ${bridge_source}
  COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/ffi_build.py
    ${bridge_source} ${bridge_headers}
  DEPENDS ${bridge_headers} ${CMAKE_CURRENT_SOURCE_DIR}/ffi_build.py
  COMMENT "Writing the C side of isthmus._bridge" VERBATIM)

python_add_library(_bridge MODULE WITH_SOABI ${bridge_source})
target_link_libraries(_bridge PRIVATE isthmus)
set_target_properties(_bridge PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
install(TARGETS _bridge DESTINATION .)
