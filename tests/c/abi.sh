#!/bin/sh
# Holds include/authkit.h to abi/authkit.abi, and that comparison to changes made on purpose: `abi.sh SCRATCH`, from the
# project's directory.
set -eu
header=include/authkit.h
baseline=abi/authkit.abi
scratch=$1
mkdir -p "$scratch"
failed=0
fail() {
    echo "test-abi: $*" >&2
    failed=1
}

scripts/abi.sh describe $header "$scratch/present.abi"
code=0
scripts/abi.sh compare $baseline "$scratch/present.abi" >"$scratch/report" || code=$?
case $code in
0) ;;
4) fail "the ABI has grown: run \`make abi\` and commit $baseline" ;;
*) cat "$scratch/report" >&2 && fail "the ABI is no longer the one of $baseline, which it may only add to" ;;
esac

# expect CODE NAME PATTERN SED: the header as SED changes it differs from the present one by CODE, and the report has PATTERN.
expect() {
    mkdir -p "$scratch/$2"
    sed "$4" $header >"$scratch/$2/authkit.h"
    ! cmp -s $header "$scratch/$2/authkit.h" || fail "$2: nothing of the header was changed"
    code=0
    scripts/abi.sh describe "$scratch/$2/authkit.h" "$scratch/$2/changed.abi"
    scripts/abi.sh compare "$scratch/present.abi" "$scratch/$2/changed.abi" >"$scratch/$2/report" || code=$?
    [ $code = "$1" ] || fail "$2: the comparison gave $code, not $1"
    grep -q "$3" "$scratch/$2/report" || fail "$2: the report does not say \"$3\""
}
broken() { expect 8 "$@"; }
grown() { expect 4 "$@"; }

broken removed_function '1 Removed function' '/^AUTHKIT_API int64_t authkit_error_retry_after/d'
broken renamed_function '1 Removed function' 's/ authkit_error_retry_after(/ authkit_error_retry_in(/'
broken narrower_parameter 'from 64 to 32 (in bits)' 's/size_t capacity)/uint32_t capacity)/'
broken other_handle "to 'const authkit_stats'" 's/_list_count(const authkit_claims \*/_list_count(const authkit_stats */'
broken parameter_added 'parameter 2 .* was added' 's/_retry_after(const authkit_error \*error/&, int64_t *out/'
broken handle_no_longer_const "from 'const authkit_claims'" 's/_list_count(const authkit_claims \*/_list_count(authkit_claims */'
broken narrower_result 'from 64 to 32 (in bits)' 's/int64_t authkit_error_retry_after/int32_t authkit_error_retry_after/'
broken result_no_status "from 'enum authkit_status'" 's/authkit_status authkit_error_status/int32_t authkit_error_status/'
broken changed_code "from value '2' to '99'" 's/AUTHKIT_CONFIG = 2,/AUTHKIT_CONFIG = 99,/'
broken removed_code '1 enumerator deletion' '/AUTHKIT_CONFIG = 2,/d'
broken changed_class "from value '4' to '14'" 's/AUTHKIT_CLASS_FORBIDDEN = 4,/AUTHKIT_CLASS_FORBIDDEN = 14,/'
broken changed_macro "from value '65536' to '65537'" 's/\(AUTHKIT_RECORD_CAPACITY\) 65536/\1 65537/'
broken removed_macro '1 enumerator deletion' '/#define AUTHKIT_RECORD_CAPACITY/d'
grown added_function '1 filtered out' 's/^AUTHKIT_API int64_t authkit_error_retry_after.*/&\nAUTHKIT_API int32_t authkit_error_novelty(void);/'
grown added_code 'filtered out' 's/AUTHKIT_CONFIG = 2,/&\nAUTHKIT_NOVELTY = 25600,/'
grown added_macro 'filtered out' 's/^#define AUTHKIT_RECORD_CAPACITY.*/&\n#define AUTHKIT_NOVELTY_CAPACITY 7/'

exit $failed
