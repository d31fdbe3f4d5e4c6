/* SPDX-License-Identifier: MIT */
#include "store/halt.h"

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "store/approval.h"

#define LINE_MAX 300

static const char *line(struct arena *arena, const struct json *root, const char *key)
{
    char clean[LINE_MAX];
    return arena_str(arena,
                     text_clean_into(clean, sizeof(clean), json_str(root, key, "")));
}

void halt_row_parse(struct arena *arena, const char *text, struct halt_row *ret_row)
{
    *ret_row = (struct halt_row){.by = "", .reason = ""};
    if (text == NULL || text[0] == '\0') {
        return;
    }
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    ret_row->is_on = true;
    ret_row->at.ms = json_int(root, "at", 0);
    ret_row->by = line(arena, root, "by");
    ret_row->reason = line(arena, root, "reason");
    json_free(root);
}

void reader_halt(struct reader *reader, struct arena *arena, struct halt_row *ret_row)
{
    halt_row_parse(arena, reader_setting(reader, arena, HALT_SETTING), ret_row);
}
