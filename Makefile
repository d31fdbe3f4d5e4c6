# SPDX-License-Identifier: MIT
# signalbox: `make help` lists the targets, CONTRIBUTING.md says how to work with them.
#
# One archive of all sources (libsignalbox.a) serves the program and every test program.
# FLAVOR=release|debug|asan|tsan|strict|clang|fuzz|cov builds into build/FLAVOR/; a changed flag or
# compiler rebuilds that folder (build/FLAVOR/flags), a changed header its users (-MMD).

FLAVOR  ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/signalbox
LIBEXECDIR ?= $(PREFIX)/libexec/signalbox
COMPDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
FUZZ_SECONDS ?= 30
KILLS        ?= 1000
SEED         ?= 1

ifneq ($(filter clang fuzz,$(FLAVOR)),)
CC := clang
else ifeq ($(origin CC),default)
CC := gcc
endif
B := build/$(FLAVOR)
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
TOOLS := tests/tools
# One short line per file; make V=1 shows the commands.
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2);)

# ---- flags ---------------------------------------------------------------------------
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wconversion -Wundef -Wvla -Wcast-qual -Wwrite-strings -Wpointer-arith
ifeq ($(CI),true)
WARN += -Werror
endif
# clang's whole list, less what speaks of other languages, of padding, of C before C11, and of
# what gcc warns about with fewer false alarms.
WARN_clang := -Werror -Weverything -Wthread-safety -Wno-padded -Wno-declaration-after-statement \
	-Wno-disabled-macro-expansion -Wno-bad-function-cast -Wno-missing-noreturn \
	-Wno-string-concatenation -Wno-float-equal -Wno-covered-switch-default -Wno-switch-enum \
	-Wno-vla -Wno-reserved-macro-identifier -Wno-reserved-identifier -Wno-unused-macros \
	-Wno-gnu-zero-variadic-macro-arguments -Wno-unsafe-buffer-usage -Wno-unknown-warning-option

CFLAGS_release := -O2 -g -fstack-protector-strong
CPPFLAGS_release := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LDFLAGS_release := -Wl,-z,relro -Wl,-z,now
CFLAGS_debug := -Og -g3
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -fsanitize=thread
CFLAGS_clang := -O0 $(WARN_clang)
CFLAGS_strict := -O2 -Werror -Wduplicated-cond -Wduplicated-branches -Wlogical-op \
	-Wjump-misses-init -Walloca -Wformat-signedness -Wdouble-promotion
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
CFLAGS_cov := -O0 -g --coverage

ALL_CPPFLAGS := -D_GNU_SOURCE -I. -include engine/base/banned.h $(CPPFLAGS_$(FLAVOR)) $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(WARN) $(CFLAGS_$(FLAVOR)) -pthread -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
ALL_LDFLAGS := $(CFLAGS_$(FLAVOR)) $(LDFLAGS_$(FLAVOR)) -pthread -Wl,--as-needed $(LDFLAGS)

# Libraries: flags for the only folder or file that may include them (make check-layers).
CURSES_CFLAGS  ?=
CURSES_LIBS    ?= -lncursesw -ltinfo
SQLITE_CFLAGS  ?=
SQLITE_LIBS    ?= -lsqlite3
JANSSON_CFLAGS ?=
JANSSON_LIBS   ?= -ljansson
YAML_CFLAGS    ?=
YAML_LIBS      ?= -lyaml
CURL_CFLAGS    ?=
CURL_LIBS      ?= -lcurl
LWS_CFLAGS     ?=
LWS_LIBS       ?= -lwebsockets
CRYPTO_CFLAGS  ?=
CRYPTO_LIBS    ?= -lcrypto
PCRE2_CFLAGS   ?=
PCRE2_LIBS     ?= -lpcre2-8
LDLIBS := $(CURSES_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(YAML_LIBS) $(CURL_LIBS) $(LWS_LIBS) $(CRYPTO_LIBS) $(PCRE2_LIBS) -lm
TEST_LIBS := -lcmocka -lvterm -lutil

$(B)/tui/term_info.o:    OWNER_CFLAGS := $(CURSES_CFLAGS)
$(B)/store/%.o:          OWNER_CFLAGS := $(SQLITE_CFLAGS)
$(B)/engine/base/json.o: OWNER_CFLAGS := $(JANSSON_CFLAGS)
$(B)/engine/base/yaml.o: OWNER_CFLAGS := $(YAML_CFLAGS)
$(B)/engine/io/http%.o:  OWNER_CFLAGS := $(CURL_CFLAGS)
$(B)/engine/io/listener%.o: OWNER_CFLAGS := $(LWS_CFLAGS)
$(B)/engine/base/digest.o: OWNER_CFLAGS := $(CRYPTO_CFLAGS)
$(B)/engine/base/regex.o: OWNER_CFLAGS := $(PCRE2_CFLAGS)

# ---- files ---------------------------------------------------------------------------
MAIN := tui/main.c engine/io/runner_main.c
SRC := $(filter-out $(MAIN),$(sort $(wildcard tui/*.c tui/*/*.c engine/*.c engine/*/*.c store/*.c)))
ASSETS := $(sort $(wildcard themes/*.theme tui/default.keys engine/recovery/patterns/*.yaml engine/recovery/*.model))
GEN := $(if $(wildcard engine/base/asset.h),$(B)/gen/assets.c)
OBJ := $(SRC:%.c=$(B)/%.o) $(GEN:.c=.o)
TESTLIB := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/lib/*.c)))
# Services that are simulated: programs, and what they share with the tests that ask for it.
FAKE_MAINS := $(sort $(wildcard tests/fakes/fake_services.c tests/fakes/mcp_server.c tests/fakes/bridge_server.c))
FAKE_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out $(FAKE_MAINS),$(sort $(wildcard tests/fakes/*.c))))
FAKES  := $(FAKE_MAINS:tests/%.c=$(B)/tests/%)
CONFORM_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/conformance/*.c)))
CONFORM := $(B)/tests/conformance/conform
programs = $(patsubst tests/%.c,$(B)/tests/%,$(sort $(wildcard $(1))))
UNIT   := $(call programs,tests/unit/test_*.c)
SCREEN := $(call programs,tests/screen/test_*.c)
SIM    := $(call programs,tests/sim/test_*.c)
CRASH  := $(B)/tests/crash/crash
KILL_SHIM := $(B)/tests/crash/kill_at_sync.so
BENCH  := $(call programs,tests/bench/*.c)
FUZZ   := $(call programs,tests/fuzz/fuzz_*.c)
E2E    := $(call programs,tests/e2e/test_*.c) $(sort $(wildcard tests/e2e/test_*.sh))
TESTS  := $(UNIT) $(SCREEN) $(SIM)
ifneq ($(FLAVOR),fuzz)
TESTS += $(FUZZ)
endif
HEADERS := $(sort $(wildcard tui/*.h tui/*/*.h engine/*.h engine/*/*.h store/*.h tests/lib/*.h tests/fakes/*.h \
	tests/conformance/*.h))
SHELLS := $(sort $(wildcard .ci/run tests/tools/* tests/lib/*.sh tests/e2e/*.sh tests/demo/* tests/crash/*.sh tests/bench/*.sh \
	tests/fakes/run tests/fakes/*.sh tests/conformance/run tests/conformance/run_otlp tests/conformance/*.sh))
SHELLS := $(filter-out %.c %.h %.awk %.yaml %.md %.txt tests/demo/library,$(SHELLS))

# ---- stamps: rewritten only when their content changes ------------------------------
stamp = $(if $(filter-out ok,$(if $(findstring |$(strip $(2))|,|$(strip $(file <$(1)))|),ok,no)),$(shell mkdir -p $(dir $(1)))$(file >$(1),$(strip $(2))))
$(call stamp,$(B)/flags,$(filter-out ccache,$(CC)) $(shell $(CC) -dumpfullversion -dumpversion 2>/dev/null) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(CURSES_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS) $(CURL_CFLAGS) $(LWS_CFLAGS) $(CRYPTO_CFLAGS) $(PCRE2_CFLAGS) $(LDLIBS))
$(call stamp,$(B)/objects,$(OBJ))
$(call stamp,$(B)/tests/fakes/objects,fakes $(FAKE_OBJ))
$(call stamp,$(B)/assets,$(ASSETS))

# ---- build ---------------------------------------------------------------------------
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

ifeq ($(FLAVOR),release)
all: build/signalbox build/signalbox-run ## build the program (the default)
build/signalbox build/signalbox-run: build/%: $(B)/%
	@ln -f $< $@
else
all: $(B)/signalbox $(B)/signalbox-run
endif

$(B)/signalbox: $(B)/tui/main.o $(B)/libsignalbox.a
	$(call say,link,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# What performs one effect. A program of its own, because the dynamic linker takes 3 ms and
# 6 MB for the libraries of the network side, which a runner does not need.
$(B)/signalbox-run: $(B)/engine/io/runner_main.o $(B)/libsignalbox.a
	$(call say,link,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libsignalbox.a: $(OBJ) $(B)/objects
	@rm -f $@ && ar rcsD $@ $(OBJ)

# A name that two sources define shows only when both are linked: link them all, at once.
$(B)/whole: $(B)/libsignalbox.a
	@$(CC) -r -nostdlib -o $@ -Wl,--whole-archive $<

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)$(CC) $(ALL_CPPFLAGS) $(OWNER_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags
	$(call say,cc,$<)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/gen/assets.c: $(ASSETS) $(B)/assets $(TOOLS)/embed
	@mkdir -p $(@D)
	$(call say,gen,$@)$(TOOLS)/embed $(ASSETS) >$@

$(B)/tests/fakes/libfakes.a: $(FAKE_OBJ) $(B)/tests/fakes/objects
	@mkdir -p $(@D)
	@rm -f $@ && ar rcsD $@ $(FAKE_OBJ)

$(CONFORM): $(CONFORM_OBJ) $(TESTLIB) $(B)/tests/fakes/libfakes.a $(B)/libsignalbox.a
	$(call say,link,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LDLIBS)

$(B)/tests/%: $(B)/tests/%.o $(TESTLIB) $(B)/tests/fakes/libfakes.a $(B)/libsignalbox.a
	$(call say,link,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LDLIBS)

# Preloaded into the engine by the crash campaign.
$(KILL_SHIM): tests/crash/kill_at_sync.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,link,$@)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fPIC -shared -o $@ $< -ldl

ifeq ($(FLAVOR),fuzz)
$(FUZZ): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libsignalbox.a
	$(call say,link,$@)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
else
# Without clang: the same target fed with the files of its corpus and regressions.
$(FUZZ): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/tools/fuzz_replay.o $(B)/libsignalbox.a
	$(call say,link,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)
endif

-include $(shell test -d $(B) && find $(B) -name '*.d')

# ---- run -----------------------------------------------------------------------------
run: ## install what is missing, build, run the demo (console, or a report without terminal)
	@$(TOOLS)/deps build
	@$(MAKE) --no-print-directory $(JOBS) all
	@tests/demo/run

run-clean: ## forget the demo's workspace
	@tests/demo/run --clean

deps: ## install every Debian package that build, test and lint need
	@$(TOOLS)/deps build test lint

# ---- test ----------------------------------------------------------------------------
TEST_ENV = B=$(B) FLAVOR=$(FLAVOR) SIGNALBOX=$(CURDIR)/$(B)/signalbox
SUB = $(MAKE) --no-print-directory $(JOBS)

test: ## install what the tests need, then run them all
	@$(TOOLS)/deps build test
	@$(SUB) check

check: all $(TESTS) $(E2E) $(FAKES) ## run all tests with what is installed
	@$(TEST_ENV) $(TOOLS)/run_tests $(TESTS) $(E2E)

quick: $(B)/libsignalbox.a $(B)/whole $(UNIT) $(SCREEN) ## library, unit and screen tests
	@$(TEST_ENV) $(TOOLS)/run_tests $(UNIT) $(SCREEN)

e2e: all $(E2E) $(FAKES) ## command line and pty tests alone
	@$(TEST_ENV) $(TOOLS)/run_tests $(E2E)

sim: all $(SIM) ## deterministic simulation: faults, crashes, invariants
	@$(TEST_ENV) $(TOOLS)/run_tests $(SIM)
	@$(B)/tests/sim/test_sim --seed $(SEED) --workflows 10000
	@$(B)/tests/sim/test_sim --seed $(SEED) --workflows 2000 --crash 0.002 --operator 0.1

year: $(B)/tests/sim/test_year ## a year of simulated operation with planted faults, from SEED (1), three of them
	@$(B)/tests/sim/test_year --seed $(SEED) --days 365 --seeds 3

DRILLS ?= $(sort $(wildcard drills/*.yaml))
DRILL_SEEDS ?= 20
drill: all ## recovery drills over all profiles (DRILLS=FILES, DRILL_SEEDS=20, SEED): one line for each
	@$(B)/signalbox drill --workflows 2000 --seed $(SEED) --seeds $(DRILL_SEEDS) --check $(DRILLS)

screens-update: $(SCREEN) ## write the golden screens anew and show what changed
	@-SCREENS_UPDATE=1 $(TEST_ENV) $(TOOLS)/run_tests $(SCREEN)
	@git --no-pager diff --stat -- tests/screen

asan: ## all tests under address and undefined-behaviour sanitizers
	@$(SUB) FLAVOR=asan check

# A race needs two threads. These start none and are slow here, as are the simulations,
# each of them a world of one thread.
ALONE := $(addprefix $(B)/tests/unit/test_,classify config excerpt local_% locate pipeline problem runner sandbox% segment)
tsan: ## unit tests under the thread sanitizer
	@$(SUB) FLAVOR=tsan check-threads
check-threads: $(filter-out $(ALONE),$(UNIT))
	@$(TEST_ENV) $(TOOLS)/run_tests $(filter-out $(ALONE),$(UNIT))

VALGRIND := valgrind -q --suppressions=tests/lib/valgrind.supp --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
# Not those whose processes and deadlines do not bear its slowness, or that wait for a process
# by a descriptor, which it does not know; nor the three longest, which would take a quarter of
# its time.
PATIENT := $(filter-out $(addprefix $(B)/tests/unit/test_,store_whole control_levels past cli_host desk_shell feed host http console io listener local_% runner% stall process% sandbox% secret telemetry),$(UNIT))
valgrind: $(PATIENT) ## unit tests of the release build under valgrind
	@TEST_WRAP="$(VALGRIND)" $(TEST_ENV) $(TOOLS)/run_tests $(PATIENT)

fuzz: ## FUZZ_SECONDS (30) of libFuzzer for each target
	@$(SUB) FLAVOR=fuzz fuzz-run
fuzz-run: $(FUZZ)
	@$(TEST_ENV) TEST_TIMEOUT=100000 $(TOOLS)/run_tests $(foreach f,$(FUZZ),"$(TOOLS)/fuzz $(FUZZ_SECONDS) $(f)")

crash: all $(CRASH) $(KILL_SHIM) ## KILLS (1000) times kill -9 under load, and once at every commit point
	@$(TEST_ENV) KILLS=$(KILLS) KILL_SHIM=$(KILL_SHIM) TEST_TIMEOUT=100000 $(TOOLS)/run_tests $(sort $(wildcard tests/crash/*.sh)) $(CRASH)

conformance: all $(FAKES) $(CONFORM) $(B)/tests/unit/test_forge_event ## every call of the adapters against GitHub's own description
	@$(TEST_ENV) TEST_TIMEOUT=1800 $(TOOLS)/run_tests tests/conformance/run tests/conformance/run_otlp

run-services: all $(FAKES) ## the demo against simulated services over real sockets
	@$(TEST_ENV) tests/fakes/run

bench: all $(BENCH) ## figures, each beside its yardstick of the same run
	@set -e; for b in $(sort $(wildcard tests/bench/*.sh)) $(BENCH); do $(TEST_ENV) $$b; done

bench-console: all $(B)/tests/bench/bench_console $(B)/tests/bench/bench_engine ## what the console costs, beside htop, btop and tig where they are
	@$(TEST_ENV) $(B)/tests/bench/bench_console $(CONSOLE)

JUDGE ?=
judge: all $(B)/tests/tools/train_classify ## figures on public data where they are (JUDGE_DATA=DIR, PART=dev, JUDGE="forecast capacity")
	@$(TEST_ENV) $(TOOLS)/judge $(JUDGE)

TRAIN := $(B)/tests/tools/train_classify
DATA ?=
train: $(TRAIN) ## fit the text model of failures anew (DATA=DIR with the public data, see data.md there)
	@if [ ! -f "$(DATA)/dev/classification/category.jsonl" ]; then \
		echo "train: no data: DATA=DIR says where dev/classification/category.jsonl lies; the model stays as it is"; exit 1; fi
	$(TRAIN) $(DATA) $(TOOLS)/train_examples.txt >$(B)/classify.model
	@mv $(B)/classify.model engine/recovery/classify.model && git --no-pager diff --stat -- engine/recovery/classify.model

TRAIN_LOCATE := $(B)/tests/tools/train_locate
judge: $(TRAIN_LOCATE)
train-locate: $(TRAIN_LOCATE) ## fit the trees that find the lines that explain a log (DATA=DIR as above)
	@gzip -dc $(DATA)/dev/rootcause/logs.jsonl.gz >$(B)/logs.jsonl
	$(TRAIN_LOCATE) $(B)/logs.jsonl $(DATA)/dev/rootcause/labels.jsonl >$(B)/locate_model.c
	@mv $(B)/locate_model.c engine/recovery/locate_model.c && git --no-pager diff --stat -- engine/recovery/locate_model.c

train-judge: $(TRAIN) ## how well that model does on projects it has not seen
	@$(TRAIN) --judge $(DATA) $(TOOLS)/train_examples.txt

check-fresh: ## `make run` and `make test` in a bare Debian 12 (debootstrap, root)
	@$(TOOLS)/check_fresh

check-install: all man ## install, run, uninstall: nothing may stay behind
	@$(TEST_ENV) $(TOOLS)/run_tests $(TOOLS)/check_install

check-repro: ## the same bytes from two folders
	@$(TEST_ENV) TEST_TIMEOUT=1800 $(TOOLS)/run_tests $(TOOLS)/check_repro

# ---- lint ----------------------------------------------------------------------------
C_FILES := $(SRC) $(MAIN) $(sort $(wildcard tests/*/*.c tests/*/*.h)) $(HEADERS)
LINTS := lint-format lint-gcc lint-clang lint-tidy lint-cppcheck check-headers check-layers \
	check-source lint-shell lint-man lint-spelling

lint: ## every static check
	@$(TOOLS)/lint $(LINTS)

lint-format:
	@clang-format --dry-run -Werror $(sort $(C_FILES))

lint-gcc: # warnings of gcc that clang does not know, all of them errors
	@$(SUB) FLAVOR=strict objects
lint-clang: # clang's whole list and the thread roles
	@$(SUB) FLAVOR=clang objects
objects: $(OBJ) $(MAIN:%.c=$(B)/%.o) $(TESTLIB) $(patsubst %,%.o,$(TESTS) $(FUZZ) $(CRASH) $(BENCH) $(FAKES)) $(FAKE_OBJ) $(CONFORM_OBJ)

lint-tidy:
	@printf '%s\0' $(SRC) $(MAIN) | xargs -0 -n 4 -P 2 sh -c \
		'clang-tidy --quiet "$$@" -- -std=c11 $(ALL_CPPFLAGS) 2>/dev/null' sh

lint-cppcheck:
	@cppcheck --quiet --std=c11 --language=c -j2 --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches -D_GNU_SOURCE -D__linux__ -I. $(SRC) $(MAIN)

check-headers: # each header compiles alone
	@$(TOOLS)/check_headers "$(CC) $(ALL_CPPFLAGS) -std=c11 $(WARN) -Werror" $(HEADERS)

check-layers: # includes point down only, each library has one owner
	@$(TOOLS)/check_layers $(SRC) $(MAIN) $(HEADERS)

check-source: # SPDX, guards, length, notes without an issue
	@$(TOOLS)/check_source $(sort $(C_FILES)) 

lint-shell:
	@shellcheck $(SHELLS)

lint-man: man
	@for page in $(PAGES); do mandoc -Tlint -Wwarning $$page || exit 1; done

lint-spelling:
	@git ls-files -z | xargs -0 codespell --ignore-words-list="$(SPELLED_RIGHT)" --skip="*.golden,*.model,tests/tools/train_examples.txt,tests/fuzz/*,tests/screen/*,engine/recovery/patterns/*"
# Words in tests that are cut on purpose.
SPELLED_RIGHT := nd,hel,cancle,tabel,aks,comand,hexdecimal,pullrequest,alloted,fo,mattern,addres,infinit,nam,exampels,repositry

# ---- install -------------------------------------------------------------------------
PAGES := $(patsubst man/%.in,build/man/%,$(sort $(wildcard man/*.[1-9].in)))
COMPLETION := build/man/signalbox.bash

man: $(PAGES) $(COMPLETION) ## manual pages and completion, tables made by the program
build/man/%: man/%.in $(B)/signalbox $(TOOLS)/make_man
	@mkdir -p $(@D)
	$(call say,man,$@)$(TOOLS)/make_man $(B)/signalbox $< >$@

$(COMPLETION): $(B)/signalbox
	@mkdir -p $(@D)
	$(call say,man,$@)$(B)/signalbox __tables completion >$@

section = $(patsubst .%,%,$(suffix $(1)))
install: all man ## into DESTDIR and PREFIX (/usr/local)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(DATADIR)/themes $(DESTDIR)$(DATADIR)/drills $(DESTDIR)$(COMPDIR) $(DESTDIR)$(UNITDIR) \
		$(sort $(foreach p,$(PAGES),$(DESTDIR)$(MANDIR)/man$(call section,$(p))))
	install -m 755 $(B)/signalbox $(DESTDIR)$(BINDIR)/signalbox
	install -m 755 $(B)/signalbox-run $(DESTDIR)$(LIBEXECDIR)/signalbox-run
	install -m 644 $(wildcard themes/*.theme) $(DESTDIR)$(DATADIR)/themes
	install -m 644 $(wildcard drills/*.yaml) $(DESTDIR)$(DATADIR)/drills
	install -m 644 engine/grainchain-bridge.py $(DESTDIR)$(DATADIR)/grainchain-bridge.py
	$(foreach p,$(PAGES),install -m 644 $(p) $(DESTDIR)$(MANDIR)/man$(call section,$(p)) &&) true
	install -m 644 $(COMPLETION) $(DESTDIR)$(COMPDIR)/signalbox
	sed 's|@BINDIR@|$(BINDIR)|' engine/signalbox.service.in >$(DESTDIR)$(UNITDIR)/signalbox.service
	chmod 644 $(DESTDIR)$(UNITDIR)/signalbox.service

uninstall: ## take away what install put there
	rm -f $(DESTDIR)$(BINDIR)/signalbox $(DESTDIR)$(LIBEXECDIR)/signalbox-run $(DESTDIR)$(COMPDIR)/signalbox $(DESTDIR)$(UNITDIR)/signalbox.service
	rm -f $(foreach p,$(PAGES),$(DESTDIR)$(MANDIR)/man$(call section,$(p))/$(notdir $(p)))
	rm -f $(addprefix $(DESTDIR)$(DATADIR)/,$(wildcard themes/*.theme drills/*.yaml)) $(DESTDIR)$(DATADIR)/grainchain-bridge.py
	-rmdir $(DESTDIR)$(DATADIR)/themes $(DESTDIR)$(DATADIR)/drills $(DESTDIR)$(DATADIR) $(DESTDIR)$(LIBEXECDIR)

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  FLAVOR=release|debug|asan|tsan|clang|fuzz|cov  CC  CFLAGS  PREFIX  DESTDIR  V=1"

.PHONY: all run run-clean deps test check quick e2e sim drill year screens-update asan tsan check-threads \
	valgrind fuzz fuzz-run crash bench bench-console judge train train-judge train-locate conformance run-services check-fresh check-install check-repro lint $(LINTS) \
	objects man install uninstall clean help
