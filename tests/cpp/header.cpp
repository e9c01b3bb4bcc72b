// The C++ header alone, twice over and every template of it made: compiled under every standard, with each
// compiler, with and without exceptions, with all warnings as errors.

#include "authkit.hpp"
#include "authkit.hpp"

template class authkit::Result<authkit::Done>;
template class authkit::Result<authkit::Claims>;
template class authkit::Result<authkit::Verifier>;
template class authkit::List<authkit::detail::ClaimTexts>;
template class authkit::List<authkit::detail::NamedTexts>;
template class authkit::List<authkit::detail::HeaderPairs>;
template class authkit::VerifierCalls<authkit::Verifier>;
template class authkit::VerifierCalls<authkit::VerifierRef>;
