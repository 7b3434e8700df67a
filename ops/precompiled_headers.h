// What the sources of the command begin with where headers are compiled once for a build (cmake/precompiled.cmake).
#pragma once

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
