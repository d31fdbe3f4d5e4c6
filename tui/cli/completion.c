/* SPDX-License-Identifier: MIT */

/*
 * The script is fixed but for lists from the tables: of each command the names of its
 * arguments and its options. An option that takes a value is written "--repo:DIR"; the
 * word after the colon, and the names of arguments, say what is completed: FILE, DIR,
 * STATE, ID, COMMAND. Anything else (a text, a number) is left to the person.
 */
#include "tui/cli/completion.h"

#include "store/model.h"
#include "tui/cli/cli.h"

static void print_options(const struct cli_option *options)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        const char *colon = o->value != NULL ? ":" : "";
        const char *value = o->value != NULL ? o->value : "";
        printf("--%s%s%s ", o->name, colon, value);
        if (o->letter != 0) {
            printf("-%c%s%s ", o->letter, colon, value);
        }
    }
}

static void print_lists(const struct cli_command *const *all, size_t n)
{
    fputs("    local states='", stdout);
#define X(id, name, brief, help) fputs(name " ", stdout);
    STATE_LIST(X)
#undef X
    fputs("'\n    local global='", stdout);
    print_options(cli_global_options);
    fputs("'\n    local console='", stdout);
    print_options(cli_console_options);
    fputs("'\n    local commands='", stdout);
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->is_hidden) {
            printf("%s ", all[i]->name);
        }
    }
    puts("'");
}

static void print_commands(const struct cli_command *const *all, size_t n)
{
    puts("    case $command in");
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->is_hidden) {
            printf("        %s) args='%s' options='", all[i]->name, all[i]->args);
            print_options(all[i]->options);
            puts("' ;;");
        }
    }
    puts("    esac");
}

static const char head[] = "\
# bash completion for signalbox, made by `signalbox __tables completion`\n\
_signalbox()\n\
{\n\
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n\
    local command='' args='' options='' value='' words='' word i\n\
    local -a store=()\n";

static const char find_command[] = "\
    for ((i = 1; i < COMP_CWORD; i++)); do\n\
        word=${COMP_WORDS[i]}\n\
        case $word in\n\
            --store) store=(--store \"${COMP_WORDS[++i]}\") ;;\n\
            --config|--view) ((++i)) ;;\n\
            -*) ;;\n\
            *) [[ -n $command ]] || command=$word ;;\n\
        esac\n\
    done\n";

static const char tail[] = "\
    [[ -n $command ]] || options=$console\n\
    for word in $options $global; do\n\
        [[ $word != \"$prev\":* ]] || value=${word#*:}\n\
        words+=\"${word%%:*} \"\n\
    done\n\
    if [[ -z $value && $cur != -* ]]; then\n\
        words=''\n\
        case $command:$args in\n\
            :*|*COMMAND*) words=$commands ;;\n\
            *ID*) words=$(signalbox \"${store[@]}\" list --plain --limit 100 2>/dev/null | cut -f1) ;;\n\
            *FILE*) value=FILE ;;\n\
        esac\n\
    fi\n\
    case $value in\n\
        FILE) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n\
        DIR) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n\
        STATE) mapfile -t COMPREPLY < <(compgen -W \"$states\" -- \"$cur\") ;;\n\
        '') mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n\
    esac\n\
}\n\
complete -o filenames -F _signalbox signalbox\n";

void completion_print(void)
{
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    fputs(head, stdout);
    print_lists(all, n);
    fputs(find_command, stdout);
    print_commands(all, n);
    fputs(tail, stdout);
}
