# LibTorch takes a third of a second to start, so the parts of layers that own it are one module,
# autogo_torch.so, that the core loads on first use (base/module.h). The module brings copies of the
# layers it needs and hides everything but one entry for each of its parts.

if(AUTOGO_WITH_TORCH)
  find_package(Torch QUIET)
endif()
if(NOT AUTOGO_WITH_TORCH OR NOT Torch_FOUND)
  message(STATUS "LibTorch not used: nothing can be trained, no predictor loaded")
endif()

# autogo_torch_part(LAYER SOURCES a.cc ENTRY module.cc LIBS x): the OBJECT library
# autogo_LAYER_torch, which tests may link, and its entry in the module. Nothing without LibTorch.
function(autogo_torch_part layer)
  cmake_parse_arguments(ARG "" "ENTRY" "SOURCES;LIBS" ${ARGN})
  if(NOT AUTOGO_WITH_TORCH OR NOT Torch_FOUND)
    return()
  endif()
  set(target autogo_${layer}_torch)
  add_library(${target} OBJECT ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include)
  target_include_directories(${target} SYSTEM PUBLIC ${TORCH_INCLUDE_DIRS})
  autogo_private_includes(${target} ${PROJECT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC nlohmann_json::nlohmann_json ${ARG_LIBS}
    INTERFACE ${TORCH_LIBRARIES})
  autogo_warnings(${target})
  set_property(GLOBAL APPEND PROPERTY AUTOGO_TORCH_PARTS ${target})
  set_property(GLOBAL APPEND PROPERTY AUTOGO_TORCH_ENTRIES ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_ENTRY})
endfunction()

# autogo_torch_module(layers...): the module, with copies of these layers.
function(autogo_torch_module)
  get_property(parts GLOBAL PROPERTY AUTOGO_TORCH_PARTS)
  get_property(entries GLOBAL PROPERTY AUTOGO_TORCH_ENTRIES)
  if(NOT parts)
    return()
  endif()
  add_library(autogo_torch MODULE ${entries})
  autogo_private_includes(autogo_torch ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(autogo_torch PRIVATE ${parts})
  foreach(layer IN LISTS ARGN)
    target_sources(autogo_torch PRIVATE $<TARGET_OBJECTS:autogo_${layer}>)
    get_target_property(libs autogo_${layer} LINK_LIBRARIES)
    if(libs)
      target_link_libraries(autogo_torch PRIVATE ${libs})
    endif()
  endforeach()
  set(map ${PROJECT_SOURCE_DIR}/cmake/torch_module.map)
  target_link_options(autogo_torch PRIVATE -Wl,-z,defs -Wl,--version-script=${map})
  set_target_properties(autogo_torch PROPERTIES LINK_DEPENDS ${map} CXX_EXTENSIONS OFF)
  autogo_warnings(autogo_torch)
  autogo_module(autogo_torch)
endfunction()
