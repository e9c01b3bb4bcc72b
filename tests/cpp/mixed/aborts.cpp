// The half without exceptions and RTTI: here the value of a failure ends the program.

#include "shared.h"

authkit::Result<authkit::Claims> verify_without_exceptions(const authkit::Verifier &verifier, std::string_view token) {
    return verifier.verify(token);
}

std::string_view subject_without_exceptions(const authkit::Result<authkit::Claims> &claims) {
    return claims.value().subject();
}
