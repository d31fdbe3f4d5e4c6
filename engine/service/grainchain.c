/* SPDX-License-Identifier: MIT */
#include "engine/service/grainchain.h"

#include "engine/base/base64.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

static void begin(struct jsonw *w, struct buf *out, const char *method, struct span time)
{
    buf_clear(out);
    jsonw_init(w, out);
    jsonw_open(w, NULL, '{');
    jsonw_int(w, "time_ms", time.ms);
    jsonw_str(w, "method", method);
    jsonw_open(w, "params", '{');
}

static void end(struct jsonw *w, struct buf *out)
{
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    (void)buf_char(out, '\n');
}

/* Bridges take whole seconds; half a second would be none. */
static void put_seconds(struct jsonw *w, const char *key, struct span span)
{
    if (span.ms > 0) {
        jsonw_int(w, key, (span.ms + 999) / 1000);
    }
}

void grainchain_create(struct buf *out, const char *provider, struct span life,
                       struct span time)
{
    struct jsonw w;
    begin(&w, out, "create", time);
    if (provider[0] != '\0') {
        jsonw_str(&w, "provider", provider);
    }
    put_seconds(&w, "timeout", life);
    end(&w, out);
}

void grainchain_execute(struct buf *out, const char *sandbox, const char *command,
                        const struct env_var *env, size_t n_env, struct span bound,
                        struct span time)
{
    struct jsonw w;
    begin(&w, out, "execute", time);
    jsonw_str(&w, "sandbox_id", sandbox);
    jsonw_str(&w, "command", command);
    put_seconds(&w, "timeout", bound);
    jsonw_open(&w, "env", '{');
    for (size_t i = 0; i < n_env; i++) {
        jsonw_str(&w, env[i].name, env[i].value);
    }
    jsonw_close(&w, '}');
    end(&w, out);
}

void grainchain_upload(struct buf *out, const char *sandbox, const char *path,
                       const void *bytes, size_t len, struct span time)
{
    struct jsonw w;
    begin(&w, out, "upload", time);
    jsonw_str(&w, "sandbox_id", sandbox);
    jsonw_str(&w, "path", path);
    jsonw_raw(&w, "b64", "\"", 1); /* letters that JSON takes as they are */
    (void)base64_encode(out, bytes, len);
    (void)buf_char(out, '"');
    end(&w, out);
}

static void about_snapshot(struct buf *out, const char *method, const char *sandbox,
                           const char *snapshot, struct span time)
{
    struct jsonw w;
    begin(&w, out, method, time);
    jsonw_str(&w, "sandbox_id", sandbox);
    if (snapshot != NULL) {
        jsonw_str(&w, "snapshot_id", snapshot);
    }
    end(&w, out);
}

void grainchain_snapshot(struct buf *out, const char *sandbox, struct span time)
{
    about_snapshot(out, "snapshot", sandbox, NULL, time);
}

void grainchain_restore(struct buf *out, const char *sandbox, const char *snapshot,
                        struct span time)
{
    about_snapshot(out, "restore", sandbox, snapshot, time);
}

void grainchain_close(struct buf *out, const char *sandbox, struct span time)
{
    about_snapshot(out, "close", sandbox, NULL, time);
}

const struct json *grainchain_result(const struct json *answer, struct err *err)
{
    /* grainchain/core/exceptions.py, and what Python says of a library that is missing */
    static const char *const setup[] = {"ConfigurationError", "AuthenticationError",
                                        "ImportError", "ModuleNotFoundError"};
    const struct json *error = json_get(answer, "error"),
                      *result = json_get(answer, "result");
    if (json_is_an_object(result) && !json_is_an_object(error)) {
        return result;
    }
    const char *type = json_str(error, "type", "error");
    char text[300], name[64];
    enum err_code code = ERR_REFUSED;
    for (size_t i = 0; i < ARRAY_LEN(setup); i++) {
        code = strcmp(type, setup[i]) == 0 ? ERR_CONFIG : code;
    }
    err_set(err, code, "%s: %s", text_clean_into(name, sizeof(name), type),
            text_clean_into(text, sizeof(text),
                            json_str(error, "message", "an answer without a result")));
    return NULL;
}
