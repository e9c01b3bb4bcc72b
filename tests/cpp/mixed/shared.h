// What the two halves of a program share that are compiled under different standards, with and without exceptions.

#include "authkit.hpp"

// In aborts.cpp: C++17, no exceptions, no RTTI.
authkit::Result<authkit::Claims> verify_without_exceptions(const authkit::Verifier &verifier, std::string_view token);
std::string_view subject_without_exceptions(const authkit::Result<authkit::Claims> &claims);
