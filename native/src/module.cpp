// The Python module pyml_native. Only pyml/zk/native/core.py imports it.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdlib>
#include <string>

#include "binding.hpp"
#include "pyml/cpu.hpp"
#include "pyml/keccak.hpp"
#include "pyml/threads.hpp"

namespace pyml::binding {

void bind_field(nb::module_& module);
void bind_curve(nb::module_& module);
void bind_prover(nb::module_& module);

namespace {

// A wish that cannot be met changes speed, not results: a warning is enough.
void warn_of_wrong_path() {
  const char* wish = std::getenv("PYML_NATIVE_PATH");
  if (!wish || !*wish || wish == std::string(path_name(current_path()))) return;
  const std::string line = std::string("PYML_NATIVE_PATH is none of the paths that this processor has; using ") +
                           path_name(current_path());
  if (PyErr_WarnEx(PyExc_RuntimeWarning, line.c_str(), 1) != 0) throw nb::python_error();
}

void bind_machine(nb::module_& m) {
  m.def("path", [] { return std::string(path_name(current_path())); }, "portable, mulx or ifma: what is used.");
  m.def("paths", [] {
    std::vector<std::string> names;
    for (Path path : {Path::portable, Path::mulx, Path::ifma})
      if (is_supported(path)) names.emplace_back(path_name(path));
    return names;
  }, "What this processor can use, the fastest last.");
  m.def("select_path", [](const std::string& name) { select_path(path_from_name(name)); }, nb::arg("name"),
        "Use another path; not while anything computes.");
  m.def("thread_count", &thread_count);
  m.def("set_thread_count", [](std::int64_t count) {
    set_thread_count(count < 0 ? 0 : static_cast<std::size_t>(count));
  }, nb::arg("count"));
  m.def("keccak256", [](nb::handle bytes) {
    const std::uint8_t* in = require_bytes(bytes, "bytes", 0);
    const Digest digest = keccak256(in, nb::borrow<nb::bytes>(bytes).size());
    return nb::bytes(digest.data(), digest.size());
  }, nb::arg("bytes"));
}

}  // namespace
}  // namespace pyml::binding

NB_MODULE(pyml_native, m) {
  pyml::binding::warn_of_wrong_path();
  m.doc() = "C++ core of pyml's native accuracy proof.";
  m.attr("API") = 3;  // raised with every change of a signature; core.py refuses another number
  pyml::binding::bind_machine(m);
  pyml::binding::bind_field(m);
  pyml::binding::bind_curve(m);
  pyml::binding::bind_prover(m);
}
