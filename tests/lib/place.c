/* SPDX-License-Identifier: MIT */
#include "tests/lib/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"

int place_set_up(void **state)
{
    struct place *place = mem_alloc(sizeof(*place));
    const char *base = getenv("TMPDIR"); // NOLINT(concurrency-mt-unsafe): one thread
    place->folder = mem_printf("%s/signalbox-test-XXXXXX", base != NULL ? base : "/tmp");
    place->arena = arena_new();
    *state = place;
    if (mkdtemp(place->folder) == NULL) {
        return -1;
    }
    place->path = file_join(place->folder, "s.db");
    return 0;
}

int place_tear_down(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    bool is_gone = file_remove_tree(place->folder, &err);
    free(place->path);
    free(place->folder);
    arena_free(place->arena);
    free(place);
    return is_gone ? 0 : -1;
}

struct store *place_store(const struct place *place)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(place->path, STORE_FULL, &err);
    if (store == NULL) {
        fail_msg("%s", err.msg);
    }
    return store;
}

struct reader *place_reader(const struct place *place)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(place->path, &err);
    if (reader == NULL) {
        fail_msg("%s", err.msg);
    }
    return reader;
}

void must_commit(struct store *store)
{
    struct err err = ERR_INIT;
    if (!store_commit(store, &err)) {
        fail_msg("%s", err.msg);
    }
}

struct workflow_row sample_workflow(int64_t id)
{
    return (struct workflow_row){
        .id = id,
        .pipeline = "payments",
        .pipeline_id = 1,
        .repo = id % 2 == 0 ? "/srv/git/even" : "/srv/git/odd",
        .title = "add a retry",
        .submitter = "ada",
        .priority = (int)(id % 10),
        .state = STATE_CODING,
        .resume_state = STATE_PLANNING,
        .wait = WAIT_NONE,
        .resume_wait = WAIT_RETRY,
        .step = 2,
        .iteration = 3,
        .attempt = 4,
        .retries = 5,
        .agent_runs = 6,
        .granted_runs = 2,
        .granted_wall = {7200000},
        .budget_told = 3,
        .last_run = {1234   },
        .used = {120000,  1250000},
        .last_used = {40000,       420000},
        .granted = {1000,7},
        .held = 7,
        .effect_seq = 8,
        .is_active = true,
        .created_at = {1000 + id   },
        .started_at = {2000 + id      },
        .state_since = {3000 + id   },
        .finished_at = {0},
        .deadline_at = {5000 + id   },
        .time_left = {6000      },
        .retry_at = {7000   },
        .branch = "signalbox/wf-1",
        .base_sha = "aaaa",
        .head_sha = "bbbb",
        .merge_sha = "cccc",
        .pr_number = 9,
        .reason = "because",
        .service = id % 2 == 0 ? "github_api" : "",
        .is_degraded = id % 2 == 0,
        .is_adopted = id % 3 == 0,
    };
}
