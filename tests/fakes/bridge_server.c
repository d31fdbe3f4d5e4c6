/* SPDX-License-Identifier: MIT */
/* The bridge of tests/fakes/bridge.h as a program. */
#include "tests/fakes/bridge.h"

int main(void)
{
    return fake_bridge();
}
