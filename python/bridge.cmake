# SPDX-License-Identifier: MIT
# Extension `isthmus._bridge`: isthmus.h, compiled for Python by cffi. Expects Python to be
# found with Interpreter and Development.Module, and the target isthmus.
set(bridge_header ${PROJECT_SOURCE_DIR}/bridge/include/isthmus.h)
set(bridge_source ${CMAKE_CURRENT_BINARY_DIR}/_bridge.c)

add_custom_command(OUTPUT ${bridge_source}
  COMMAND ${Python_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/ffi_build.py
    ${bridge_header} ${bridge_source}
  DEPENDS ${bridge_header} ${CMAKE_CURRENT_SOURCE_DIR}/ffi_build.py
  COMMENT "Writing the C side of isthmus._bridge" VERBATIM)

python_add_library(_bridge MODULE WITH_SOABI ${bridge_source})
target_link_libraries(_bridge PRIVATE isthmus)
set_target_properties(_bridge PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
install(TARGETS _bridge DESTINATION .)
