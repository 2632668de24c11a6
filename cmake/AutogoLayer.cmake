# autogo_layer(NAME SOURCES a.cc b.cc USES graph base LIBS ONNX::onnx)
#
# One OBJECT library per layer: its include path reaches the public headers, its own sources and the
# private doors to JSON, and only its owner sees a heavy library. tests/layers checks the includes.
# USES says what the includes are checked for; layers are linked only as one library.
add_custom_target(autogo_layers)  # compile every layer, link nothing
function(autogo_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS" ${ARGN})
  set(sources ${ARG_SOURCES})
  list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/src/${name}/)
  add_library(autogo_${name} OBJECT ${sources})
  target_include_directories(autogo_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  autogo_private_includes(autogo_${name} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/${name})
  target_compile_features(autogo_${name} PUBLIC cxx_std_20)
  set_target_properties(autogo_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  autogo_warnings(autogo_${name})
  add_dependencies(autogo_layers autogo_${name})
  foreach(lib IN LISTS ARG_LIBS)  # found by the layer, linked by `autogo` at the top
    if(lib MATCHES "^PkgConfig::")
      get_target_property(global ${lib} IMPORTED_GLOBAL)
      if(NOT global)
        set_target_properties(${lib} PROPERTIES IMPORTED_GLOBAL TRUE)
      endif()
    endif()
  endforeach()
  target_link_libraries(autogo_${name} PRIVATE ${ARG_LIBS})
  set_property(GLOBAL APPEND PROPERTY AUTOGO_LAYERS autogo_${name})
endfunction()

# For "quotes" only, so that a header of ours named like one of the system's does not replace it.
function(autogo_private_includes target)
  foreach(folder IN LISTS ARGN)
    target_compile_options(${target} PRIVATE "SHELL:-iquote ${folder}")
  endforeach()
endfunction()

# autogo_library(): the one static library, assembled from the layers.
function(autogo_library)
  get_property(layers GLOBAL PROPERTY AUTOGO_LAYERS)
  add_library(autogo STATIC)
  add_library(autogo::autogo ALIAS autogo)
  foreach(layer IN LISTS layers)
    target_sources(autogo PRIVATE $<TARGET_OBJECTS:${layer}>)
    get_target_property(libs ${layer} LINK_LIBRARIES)
    if(libs)
      target_link_libraries(autogo PRIVATE ${libs})
    endif()
  endforeach()
  target_include_directories(autogo PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(autogo PUBLIC cxx_std_20)
endfunction()

# The build folder mirrors the installed tree (src/base/paths.cc finds the parts in both).
# autogo_helper(TARGET): a program in libexec/autogo. autogo_module(TARGET): a module in lib/autogo.
function(autogo_helper target)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${CMAKE_INSTALL_LIBEXECDIR}/autogo)
  install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/autogo)
endfunction()

function(autogo_module target)
  set_target_properties(${target} PROPERTIES PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}/autogo)
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/autogo)
endfunction()
