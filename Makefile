# signalbox: see `make help`. (skeleton; grows)
CC ?= gcc
FLAVOR ?= release
B := build/$(FLAVOR)
CPPFLAGS += -D_GNU_SOURCE -I. -include engine/base/banned.h
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wconversion -Wundef -Wvla -Wcast-qual -Wwrite-strings -Wpointer-arith
CFLAGS_release := -O2 -g
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -fsanitize=thread
CFLAGS += -std=c11 $(WARN) $(CFLAGS_$(FLAVOR)) -pthread
LDFLAGS += $(CFLAGS_$(FLAVOR)) -pthread
LDLIBS := -lncursesw -ltinfo -ljansson -lsqlite3 -lyaml -lm
SRC := $(filter-out tui/main.c,$(wildcard tui/*.c tui/view/*.c tui/widget/*.c tui/cli/*.c engine/*.c engine/*/*.c store/*.c))
OBJ := $(SRC:%.c=$(B)/%.o)
TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c tests/screen/test_*.c tests/sim/test_*.c))
TESTLIB := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c))
all: build/signalbox
build/signalbox: $(B)/signalbox
	@cp -f $< $@
$(B)/signalbox: $(B)/tui/main.o $(B)/libsignalbox.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/libsignalbox.a: $(OBJ)
	@rm -f $@ && ar rcs $@ $^
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/tests/%: $(B)/tests/%.o $(TESTLIB) $(B)/libsignalbox.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lvterm -lutil $(LDLIBS)
check: $(TESTS)
	@set -e; for t in $(TESTS); do echo "== $$t"; $$t; done
.PHONY: all check
.SECONDARY:
-include $(OBJ:.o=.d)
quick: $(B)/libsignalbox.a $(TESTS)
	@set -e; for t in $(TESTS); do $$t; done
