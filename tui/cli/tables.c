/* SPDX-License-Identifier: MIT */

/*
 * signalbox __tables NAME: parts of the man pages (mdoc) and the bash completion, made
 * from the same tables that the program works with. Used when building, hidden from help.
 */
#include <ctype.h>

#include "store/model.h"
#include "tui/cli/rows.h"

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
    puts(".Bl -tag -width Ds");
    for (const struct cli_option *o = cli_global_options; o->name != NULL; o++) {
        mdoc_option(o);
    }
    puts(".El");
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

static void complete_options(const struct cli_option *options)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        printf(" --%s", o->name);
        if (o->letter != 0) {
            printf(" -%c", o->letter);
        }
    }
}

/* Values of options and kinds of arguments are completed by what they are called in the
 * table: FILE, DIR, STATE, ID. */
static void complete_values(void)
{
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    static const struct {
        const char *value, *action;
    } rules[] = {
        {"FILE",  "COMPREPLY=($(compgen -f -- \"$cur\"))"            },
        {"DIR",   "COMPREPLY=($(compgen -d -- \"$cur\"))"            },
        {"STATE", "COMPREPLY=($(compgen -W \"$states\" -- \"$cur\"))"},
    };
    puts("    case $prev in");
    for (size_t r = 0; r < ARRAY_LEN(rules); r++) {
        char seen[1024] = " "; /* options of several commands may share a name */
        fputs("        ", stdout);
        for (size_t i = 0; i <= n; i++) {
            const struct cli_option *o = i < n ? all[i]->options : cli_global_options;
            for (; o != NULL && o->name != NULL; o++) {
                char word[64];
                size_t used = strlen(seen);
                (void)snprintf(word, sizeof(word), " %s ", o->name); /* our own, short */
                if (o->value == NULL || strcmp(o->value, rules[r].value) != 0 ||
                    strstr(seen, word) != NULL) {
                    continue;
                }
                (void)snprintf(seen + used, sizeof(seen) - used, "%s ", o->name);
                printf("%s--%s", used > 1 ? "|" : "", o->name);
            }
        }
        printf(")\n            %s; return ;;\n", rules[r].action);
    }
    puts("    esac");
}

static void table_completion(void)
{
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    puts("# bash completion for signalbox; made by `signalbox __tables completion`\n"
         "_signalbox()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local command= args= options= word i");
    fputs("    local states='", stdout);
#define X(id, name, brief, help) fputs(name " ", stdout);
    STATE_LIST(X)
#undef X
    fputs("'\n    local global='", stdout);
    complete_options(cli_global_options);
    fputs("'\n    local commands='", stdout);
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->is_hidden) {
            printf("%s ", all[i]->name);
        }
    }
    puts("'");
    complete_values();
    puts("    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        word=${COMP_WORDS[i]}\n"
         "        case $word in\n"
         "            --store|--config) ((i++)) ;;\n"
         "            -*) ;;\n"
         "            *) command=$word; break ;;\n"
         "        esac\n"
         "    done\n"
         "    case $command in");
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->is_hidden) {
            printf("        %s) args='%s' options='", all[i]->name, all[i]->args);
            complete_options(all[i]->options);
            puts("' ;;");
        }
    }
    puts("    esac\n"
         "    if [[ $cur == -* ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$options $global\" -- \"$cur\"))\n"
         "    elif [[ -z $command ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
         "    elif [[ $args == *ID* ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$(signalbox list --plain --limit 100 "
         "2>/dev/null |\n"
         "            cut -f1)\" -- \"$cur\"))\n"
         "    elif [[ $args == *COMMAND* ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
         "    else\n"
         "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
         "    fi\n"
         "}\n"
         "complete -F _signalbox signalbox");
}

static const struct {
    const char *name;
    void (*print)(void);
} tables[] = {
    {"commands",   table_commands  },
    {"options",    table_options   },
    {"exit",       table_exit      },
    {"states",     table_states    },
    {"completion", table_completion},
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
