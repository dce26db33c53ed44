// Replaces operator new in the program whose one file includes this: that file defines
// note_allocation(), which hears of every allocation. Not under sanitizers, which have replaced it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

/// Any thread. Must not allocate.
void note_allocation(std::size_t bytes) noexcept;

void* operator new(std::size_t bytes) {
  note_allocation(bytes);
  if (void* place = std::malloc(bytes == 0 ? 1 : bytes)) return place;
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) {
  return operator new(bytes);
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete[](void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
  std::free(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  std::free(place);
}
