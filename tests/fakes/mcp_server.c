/* SPDX-License-Identifier: MIT */
/* The MCP server of tests/fakes/mcp.h as a program. */
#include "tests/fakes/mcp.h"

int main(void)
{
    return fake_mcp();
}
