/* SPDX-License-Identifier: MIT */

/*
 * signalbox __tables NAME: parts of the man pages (mdoc) and the bash completion, made
 * from the same tables that the program works with. Used when building, hidden from help.
 */
#include <ctype.h>

#include "engine/base/version.h"
#include "engine/control/config.h"
#include "engine/control/verb.h"
#include "engine/drill/profile.h"
#include "engine/monitor/metric.h"
#include "engine/workflow/pipeline.h"
#include "engine/workflow/schema.h"
#include "store/approval.h"
#include "store/audit.h"
#include "store/finding.h"
#include "store/model.h"
#include "store/recovery.h"
#include "tui/cli/completion.h"
#include "tui/cli/rows.h"
#include "tui/keymap.h"
#include "tui/theme.h"
#include "tui/twin.h"
#include "tui/view.h"

/* Text inside an mdoc line: a backslash would start an escape. */
static void mdoc_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\e", stdout);
        } else if (*text == '\n') {
            putchar(' ');
        } else {
            putchar(*text);
        }
    }
}

/* A sentence on lines of its own. mandoc wants each sentence to begin a line, and a line
 * that begins with a dot or an apostrophe would be a macro. */
static void mdoc_sentences(const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, ". ");
        size_t len = end != NULL ? (size_t)(end - text) + 1 : strlen(text);
        if (*text == '.' || *text == '\'') {
            fputs("\\&", stdout);
        }
        for (size_t i = 0; i < len; i++) {
            char one[2] = {text[i], '\0'};
            mdoc_text(one);
        }
        putchar('\n');
        text += len;
        text += strspn(text, " ");
    }
}

/* "half a sentence" as "Half a sentence." */
static void mdoc_capital(const char *text)
{
    putchar(toupper((unsigned char)*text));
    mdoc_text(text + 1);
    puts(".");
}

static void mdoc_option(const struct cli_option *option)
{
    fputs(".It", stdout);
    if (option->letter != 0) {
        printf(" Fl %c ,", option->letter);
    }
    printf(" Fl -%s", option->name);
    if (option->value != NULL) {
        printf(" Ar %s", option->value);
    }
    putchar('\n');
    mdoc_capital(option->help);
}

static void mdoc_options(const struct cli_option *options)
{
    puts(".Bl -tag -width Ds -compact");
    for (const struct cli_option *o = options; o->name != NULL; o++) {
        mdoc_option(o);
    }
    puts(".El");
}

static void table_commands(void)
{
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    puts(".Bl -tag -width Ds");
    for (size_t i = 0; i < n; i++) {
        const struct cli_command *c = all[i];
        if (c->is_hidden) {
            continue;
        }
        printf(".It Cm %s", c->name);
        if (c->args[0] != '\0') {
            printf(" Ar %s", c->args);
        }
        putchar('\n');
        mdoc_capital(c->help);
        mdoc_sentences(c->more);
        if (c->options != NULL && c->options[0].name != NULL) {
            mdoc_options(c->options);
        }
    }
    puts(".El");
}

static void table_options(void)
{
    mdoc_options(cli_global_options);
}

static void table_console(void)
{
    mdoc_options(cli_console_options);
}

static void table_exit(void)
{
    puts(".Bl -tag -width Ds -compact");
#define X(id, number, help)                                                              \
    printf(".It %d\n", number);                                                          \
    mdoc_capital(help);
    CLI_EXIT_LIST(X)
#undef X
    puts(".El");
}

static void table_states(void)
{
    puts(".Bl -tag -width ROLLED_BACK -compact");
#define X(id, name, brief, help)                                                         \
    puts(".It " name);                                                                   \
    mdoc_capital(help);
    STATE_LIST(X)
#undef X
    puts(".El");
}

static void table_kinds(void)
{
    puts(".Bl -tag -width web_eval_cli -compact");
#define X(id, word, port, way, url, failures, open, help)                                \
    puts(".It " word);                                                                   \
    mdoc_capital(help " (port: " port "; opens after " #failures " failures for " #open  \
                      " seconds)");
    SERVICE_KIND_LIST(X)
#undef X
    puts(".El");
}

static void table_breakers(void)
{
    puts(".Bl -tag -width forced-closed -compact");
#define X(id, word, help)                                                                \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    BREAKER_LIST(X)
#undef X
    puts(".El");
}

static void table_deliveries(void)
{
    puts(".Bl -tag -width reconciled -compact");
#define X(id, word, help)                                                                \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    DELIVERY_LIST(X)
#undef X
    puts(".El");
}

static void table_audit(void)
{
    puts(".Bl -tag -width reordered -compact");
    for (int fault = AUDIT_EDITED; fault < AUDIT_FAULT_COUNT; fault++) {
        printf(".It %s\n", audit_fault_word((enum audit_fault)fault));
        mdoc_capital(audit_fault_help((enum audit_fault)fault));
    }
    puts(".El");
}

static void table_metrics(void)
{
    puts(".Bl -tag -width Ds -compact");
    for (int family = 0; family < FAMILY_COUNT; family++) {
        printf(".It Sy %s\n", family_name((enum metric_family)family));
        mdoc_capital(family_help((enum metric_family)family));
        if (family == FAMILY_SCRAPED) {
            continue; /* no metrics of ours; an empty list is no list */
        }
        puts(".Bl -tag -width Ds -compact");
        for (int id = METRIC_SCRAPED + 1; id < METRIC_COUNT; id++) {
            struct metric metric = metric_get((enum metric_id)id);
            if (metric.family == (enum metric_family)family) {
                printf(".It %s%s%s\n", metric.name, metric.labels[0] != '\0' ? " " : "",
                       metric.labels);
                mdoc_capital(metric.help);
            }
        }
        puts(".El");
    }
    puts(".El");
}

static void table_anomalies(void)
{
    puts(".Bl -tag -width performance_degradation -compact");
#define X(id, word, help)                                                                \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    ANOMALY_LIST(X)
#undef X
    puts(".El");
}

static void table_classes(void)
{
    puts(".Bl -tag -width dependency -compact");
#define X(id, word, category, help)                                                      \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    CLASS_LIST(X)
#undef X
    puts(".El");
}

static void table_rungs(void)
{
    puts(".Bl -tag -width smaller_task -compact");
    for (int i = 0; i < RUNG_COUNT; i++) {
        enum rung rung = (enum rung)i;
        printf(".It %s\n", rung_word(rung));
        mdoc_capital(rung_help(rung));
        printf("Strategy %s%s.\n", rung_strategy(rung),
               rung_needs_approval(rung) ? "; a person must approve it" : "");
    }
    puts(".El");
}

static void table_acts(void)
{
    puts(".Bl -tag -width fallback -compact");
    for (int i = 0; i < ACT_COUNT; i++) {
        enum act act = (enum act)i;
        printf(".It %s\n", act_word(act));
        mdoc_capital(act_help(act));
        printf("By default %s.\n", level_word(act_level(act)));
    }
    puts(".El");
}

static void table_levels(void)
{
    puts(".Bl -tag -width observe -compact");
#define X(id, word, help)                                                                \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    LEVEL_LIST(X)
#undef X
    puts(".El");
}

static void table_risks(void)
{
    puts(".Bl -tag -width critical -compact");
#define X(id, word, help)                                                                \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    RISK_LIST(X)
#undef X
    puts(".El");
}

static void table_risk_rules(void)
{
    enum risk risk;
    const char *text;
    puts(".Bl -tag -width critical -compact");
    for (size_t i = 0; risk_builtin(i, &risk, &text); i++) {
        printf(".It %s\n", risk_word(risk));
        mdoc_capital(text);
    }
    puts(".El");
}

static void table_user_roles(void)
{
    puts(".Bl -tag -width observer -compact");
    for (int role = USER_OBSERVER; role < USER_ROLE_COUNT; role++) {
        const char *before = "";
        printf(".It %s\n", user_role_word((enum user_role)role));
        mdoc_capital(user_role_help((enum user_role)role));
        fputs("Verbs: ", stdout);
        for (size_t i = 0; i < n_verbs; i++) {
            if ((int)verbs[i].role == role) {
                printf("%s%s", before, verbs[i].name);
                before = ", ";
            }
        }
        puts(".");
    }
    puts(".El");
}

static void table_optimizations(void)
{
    puts(".Bl -tag -width merge_window -compact");
#define X(id, word, help)                                                                \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    OPTIMIZATION_LIST(X)
#undef X
    puts(".El");
}

static void table_outcomes(void)
{
    puts(".Bl -tag -width inconclusive -compact");
#define X(id, word, settled, help)                                                       \
    puts(".It " word);                                                                   \
    mdoc_capital(help);
    OPT_STATUS_LIST(X)
#undef X
    puts(".El");
}

static void table_version(void)
{
    puts(SIGNALBOX_VERSION);
}

static void table_pipeline(void)
{
    schema_print_mdoc(stdout, pipeline_schema());
}

static void table_config(void)
{
    schema_print_mdoc(stdout, config_schema());
}

static void table_drill(void)
{
    schema_print_mdoc(stdout, drill_profile_schema());
}

/* Each view, and the subcommand that says the same. */
static void table_views(void)
{
    puts(".Bl -tag -width optimizations");
    for (size_t i = 0; view_classes[i] != NULL; i++) {
        const struct view_class *view = view_classes[i];
        const struct twin *twin = twin_find(view->name);
        printf(".It Cm %s\n", view->name);
        if (view->help != NULL) {
            mdoc_text(view->help);
            puts(".");
        }
        if (twin != NULL) {
            const char *target = twin->target;
            printf("In lines:\n.Ic signalbox %s%s%s .\n", twin->command,
                   target[0] != '\0' ? " Ar " : "", target);
        }
    }
    puts(".El");
}

static void table_keys(void)
{
    keymap_print_mdoc(stdout);
}

static void table_roles(void)
{
    theme_print_mdoc(stdout);
}

static const struct {
    const char *name;
    void (*print)(void);
} tables[] = {
    {"commands",      table_commands     },
    {"options",       table_options      },
    {"console",       table_console      },
    {"exit",          table_exit         },
    {"states",        table_states       },
    {"kinds",         table_kinds        },
    {"breakers",      table_breakers     },
    {"deliveries",    table_deliveries   },
    {"audit",         table_audit        },
    {"metrics",       table_metrics      },
    {"anomalies",     table_anomalies    },
    {"classes",       table_classes      },
    {"rungs",         table_rungs        },
    {"acts",          table_acts         },
    {"levels",        table_levels       },
    {"risks",         table_risks        },
    {"risk-rules",    table_risk_rules   },
    {"user-roles",    table_user_roles   },
    {"optimizations", table_optimizations},
    {"outcomes",      table_outcomes     },
    {"version",       table_version      },
    {"pipeline",      table_pipeline     },
    {"config",        table_config       },
    {"drill",         table_drill        },
    {"keys",          table_keys         },
    {"views",         table_views        },
    {"roles",         table_roles        },
    {"completion",    completion_print   },
};

static int run(struct cli *cli)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (strcmp(tables[i].name, cli->args[0]) == 0) {
            tables[i].print();
            return CLI_OK;
        }
    }
    return cli_complain(cli, "no table '%.80s'", cli->args[0]);
}

const struct cli_command cli_tables = {
    .name = "__tables",
    .args = "NAME",
    .min_args = 1,
    .max_args = 1,
    .access = ACCESS_NONE,
    .is_hidden = true,
    .help = "print a table for the man pages",
    .more = "",
    .run = run,
};
