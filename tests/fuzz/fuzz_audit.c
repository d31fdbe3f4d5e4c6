/* SPDX-License-Identifier: MIT */

/* The audit's side file, which anybody may have edited, and a head as it is given by hand: what is
 * taken is a place in a chain, and no line is counted twice. */
#include "engine/base/mem.h"
#include "store/audit_file.h"
#include "tests/fuzz/fuzz.h"

static void check_notes(const char *data, size_t len)
{
    struct audit_notes notes;
    size_t n_lines = 0;
    audit_notes_parse(data, len, &notes);
    for (size_t i = 0; i < len; i++) {
        n_lines += data[i] == '\n';
    }
    MUST(notes.n + notes.n_bad == n_lines);
    for (size_t i = 0; i < notes.n; i++) {
        MUST(notes.marks[i].n > 0);
    }
    struct audit_check *check = audit_check_new(notes.marks, notes.n);
    MUST(audit_check_verdict(check)->fault == AUDIT_WHOLE);
    audit_check_free(check);
    audit_notes_fini(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_mark mark;
    AUTO_FREE char *text = mem_strn((const char *)data, size);
    /* At the end of a heap block, so that a byte too far is seen. */
    AUTO_FREE char *bytes = mem_alloc(size > 0 ? size : 1);
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    check_notes(bytes, size);
    if (audit_mark_parse(text, &mark)) {
        MUST(mark.n > 0 && strlen(text) >= (size_t)2 * DIGEST_LEN + 2);
    }
    return 0;
}
