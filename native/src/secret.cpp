#include "pyml/secret.hpp"

#include <cstring>

namespace pyml {

void wipe(void* memory, std::size_t bytes) {
  if (!memory) return;
  std::memset(memory, 0, bytes);
  __asm__ __volatile__("" : : "r"(memory) : "memory");  // someone might read it: the zeros must be written
}

}  // namespace pyml
