// What the shared library exports. All else is hidden.
#pragma once

/// Marks a class or function whose code is in the library.
#define VSOA_API [[gnu::visibility("default")]]
/// Takes a class inside of such a class out again.
#define VSOA_HIDDEN [[gnu::visibility("hidden")]]
