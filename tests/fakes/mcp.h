/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_MCP_H
#define SIGNALBOX_TESTS_FAKES_MCP_H

/*
 * Mcp: an MCP server over stdio with the tools, arguments and report of web-eval-agent.
 *
 * It answers what it is asked, and behaves badly as its environment says:
 *   NOISE      lines that are no messages before and between its messages
 *   DISORDER   answers tools/list with other answers before it, and one that nobody asked
 *   HUGE=N     an image of N bytes (of its base64), on the line of the report
 *   NOISE_LONG=N   a line of noise of N bytes
 *   PING       asks the client before it answers, and dies when that is not answered;
 *              the same for a request that no client knows
 *   HANG=initialize|list|call    does not answer that; ends when stdin is closed
 *   STUBBORN   with HANG: ignores the end of stdin and SIGTERM, and has a child like it
 *   CHATTER    with HANG: never stops talking, and ends only by a signal
 *   DIE=initialize|list|call     ends with status 3 when it gets that
 *   ERROR=call    a JSON-RPC error instead of the report
 *   TOOLS=none    has no tools;  PAGES: the tool is on the second page
 *   FAIL, CONSOLE, REQUESTS, UNHAPPY, KEY, CRASH    the report says so
 *              (FAIL as a word of the task does the same)
 *   IMAGES=N   that many images with the report; 1 without
 *   VERSION=V  of the protocol
 *   TRACE=FILE what it got, line by line, and where it ran
 */

int fake_mcp(void);

#endif
