// One program of two halves: values cross between them, and each keeps its own way to fail. Not optimised, so that
// the linker chooses among the halves' copies of every function.

#include "shared.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include "../../c/vectors.h"

namespace {

bool this_half_throws(const authkit::Verifier &verifier) {
    const authkit::Result<authkit::Claims> refused = verify_without_exceptions(verifier, "not a token");
    try {
        (void)refused.value(); // the very function that the other half calls
    } catch (const authkit::Error &error) {
        return error.status() == AUTHKIT_MALFORMED && !error.reason().empty();
    }
    return false;
}

bool that_half_aborts(const authkit::Verifier &verifier) {
    const auto refused = verifier.verify("not a token");
    const pid_t child = fork();
    if (child == 0) {
        try {
            (void)subject_without_exceptions(refused);
        } catch (...) {
            _exit(1); // thrown through code that cannot clean up
        }
        _exit(2);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

} // namespace

int main() {
    const authkit::Config config = authkit::Config::from_json(R"({"authkit_domain":")" VECTOR_ISSUER
                                                              R"(","resource":")" VECTOR_RESOURCE
                                                              R"(","now":)" VECTOR_NOW "}")
                                       .value();
    const authkit::Verifier verifier = authkit::Verifier::create(config).value();
    if (!verifier.set_jwks(VECTOR_JWKS) || !this_half_throws(verifier) || !that_half_aborts(verifier)) {
        return EXIT_FAILURE;
    }
    const auto claims = verify_without_exceptions(verifier, {VECTORS[0].token, VECTORS[0].length});
    return subject_without_exceptions(claims) == claims->subject() ? EXIT_SUCCESS : EXIT_FAILURE;
}
