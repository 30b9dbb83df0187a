# SPDX-License-Identifier: MIT
# Extension `isthmus._models`: the Fortran models, wrapped by f90wrap in f2py mode. (Its
# `--direct-c` mode would copy arrays of a wrong kind in silence.) Expects Python to be found
# with Interpreter, Development.Module and NumPy, and the targets isthmus_models,
# isthmus_swe, isthmus_chemistry, isthmus_bulk and isthmus_columns.
set(models_dir ${CMAKE_CURRENT_BINARY_DIR}/models)
set(models_api ${PROJECT_SOURCE_DIR}/fortran/lorenz96/lorenz96_api.f90
  ${PROJECT_SOURCE_DIR}/fortran/lorenz96/lorenz96_windows_api.f90
  ${PROJECT_SOURCE_DIR}/fortran/inverse/inverse_api.f90
  ${PROJECT_SOURCE_DIR}/fortran/shallow_water/swe_api.f90
  ${PROJECT_SOURCE_DIR}/fortran/chemistry/chemistry_api.f90
  ${PROJECT_SOURCE_DIR}/fortran/rain/bulk_api.f90)
set(models_wrapper ${models_dir}/f90wrap_lorenz96_api.f90
  ${models_dir}/f90wrap_lorenz96_windows_api.f90 ${models_dir}/f90wrap_inverse_api.f90
  ${models_dir}/f90wrap_swe_api.f90
  ${models_dir}/f90wrap_chemistry_api.f90 ${models_dir}/f90wrap_bulk_api.f90)
# Column models: what `isthmus_add_column` made for Python.
get_property(columns GLOBAL PROPERTY ISTHMUS_COLUMNS)
get_property(column_api GLOBAL PROPERTY ISTHMUS_COLUMN_API)
list(APPEND models_api ${column_api})
foreach(column IN LISTS columns)
  list(APPEND models_wrapper ${models_dir}/f90wrap_${column}_api.f90)
endforeach()
file(MAKE_DIRECTORY ${models_dir})

execute_process(COMMAND ${Python_EXECUTABLE} -c "import numpy.f2py; print(numpy.f2py.get_include())"
  OUTPUT_VARIABLE f2py_include OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

add_custom_command(OUTPUT ${models_wrapper} ${models_dir}/_generated.py
  COMMAND ${Python_EXECUTABLE} -m f90wrap -m _generated --f90-mod-name isthmus._models
    -k ${CMAKE_CURRENT_SOURCE_DIR}/kind_map ${models_api}
  WORKING_DIRECTORY ${models_dir}
  DEPENDS ${models_api} ${CMAKE_CURRENT_SOURCE_DIR}/kind_map
  COMMENT "Wrapping the models with f90wrap" VERBATIM)
add_custom_command(OUTPUT ${models_dir}/_modelsmodule.c
  COMMAND ${Python_EXECUTABLE} -m f90wrap.scripts.f2py_f90wrap -m _models
    --build-dir ${models_dir} ${models_wrapper}
  WORKING_DIRECTORY ${models_dir}
  DEPENDS ${models_wrapper}
  COMMENT "Writing the C side of isthmus._models" VERBATIM)

python_add_library(_models MODULE WITH_SOABI ${models_dir}/_modelsmodule.c
  ${f2py_include}/fortranobject.c ${models_wrapper})
target_include_directories(_models PRIVATE ${f2py_include})
target_link_libraries(_models PRIVATE Python::NumPy isthmus_models isthmus_inverse isthmus_swe
  isthmus_chemistry isthmus_bulk isthmus_columns)
# The C entry point, which no wrapper calls, from its archive too.
target_link_options(_models PRIVATE LINKER:-u,isthmus_lorenz96_gradient)
set_target_properties(_models PROPERTIES
  Fortran_MODULE_DIRECTORY ${models_dir}/modules
  LINKER_LANGUAGE Fortran)
# Generated code: its warnings are not ours.
target_compile_options(_models PRIVATE -w)

install(TARGETS _models DESTINATION .)
install(FILES ${models_dir}/_generated.py DESTINATION models)
