/* SPDX-License-Identifier: MIT */

/* Who is let in: bearer tokens (RFC 6750) and the origins of web pages. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "engine/io/listener_private.h"

/* Every token is compared whatever the others said: the time tells nothing. */
static int find_user(const struct secret_values *values, const char *given, size_t len)
{
    uint8_t digest[DIGEST_LEN];
    int user = -1;
    digest_sha256(given, len, digest);
    for (size_t i = 0; i < values->n_users; i++) {
        if (digest_is_equal(digest, values->users[i], DIGEST_LEN)) {
            user = (int)i;
        }
    }
    digest_forget(digest, sizeof(digest));
    return user;
}

static size_t place_of(const struct conn *conn)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);
    if (getpeername(lws_get_socket_fd(conn->wsi), (struct sockaddr *)&at, &len) != 0) {
        return 0; /* it has gone */
    }
    if (at.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&at;
        return tap_place(six->sin6_addr.s6_addr, sizeof(six->sin6_addr.s6_addr));
    }
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&at;
    return tap_place((const uint8_t *)&four->sin_addr, sizeof(four->sin_addr));
}

static int refuse_wrong(struct conn *conn, const char **ret_text)
{
    struct listener *listener = conn->listener;
    listener->counts.wrong_tokens++;
    if (!tap_take(&listener->wrongs[place_of(conn)], mono_now(), span_s(TAP_WRONG_PAUSE),
                  TAP_WRONG)) {
        *ret_text = "too many wrong tokens";
        return 429;
    }
    *ret_text = "the token is missing or wrong";
    return 401;
}

/* The token as it was given, in `header`; its length. NULL: none. */
static const char *given_token(struct conn *conn, char **ret_header, size_t *ret_len)
{
    AUTO_FREE char *authorization = conn_header(conn, WSI_TOKEN_HTTP_AUTHORIZATION);
    AUTO_FREE char *protocols = conn_header(conn, WSI_TOKEN_PROTOCOL);
    const char *given = query_bearer(authorization);
    if (given != NULL) {
        *ret_len = strlen(given);
        *ret_header = TAKE(authorization);
        return given;
    }
    given = query_protocol_bearer(protocols, ret_len);
    *ret_header = TAKE(protocols);
    return given;
}

int check_token(struct conn *conn, const char **ret_text)
{
    const struct secret_values *values = keeper_get(conn->listener->keeper);
    AUTO_FREE char *header = NULL;
    size_t len = 0;
    const char *given = given_token(conn, &header, &len);
    conn->user = given != NULL ? find_user(values, given, len) : -1;
    if (conn->user >= 0) {
        return 0;
    }
    if (values->token == NULL && (given == NULL || values->n_users == 0)) {
        bool has_users = values->n_users > 0;
        *ret_text = has_users ? "the token is missing or wrong"
                              : "no token is configured, and this is no loopback address";
        return conn->listener->is_loopback ? 0 : has_users ? 401 : 403;
    }
    *ret_text = "the token is missing or wrong";
    if (given == NULL) {
        return 401;
    }
    bool is_right =
        values->token != NULL && digest_is_same_text(values->token, given, len);
    return is_right ? 0 : refuse_wrong(conn, ret_text);
}

int check_user(struct conn *conn, const char **ret_text)
{
    const struct secret_values *values = keeper_get(conn->listener->keeper);
    AUTO_FREE char *header = NULL;
    size_t len = 0;
    const char *given = given_token(conn, &header, &len);
    conn->user = -1;
    if (values->n_users == 0) {
        *ret_text = "no commands over the network: no tokens of users are configured";
        return 403;
    }
    *ret_text = "the token is missing or wrong";
    if (given == NULL) {
        return 401;
    }
    conn->user = find_user(values, given, len);
    if (conn->user >= 0) {
        return 0;
    }
    if (values->token != NULL && digest_is_same_text(values->token, given, len)) {
        *ret_text = "this token names no user: it only opens what can be looked at";
        return 403;
    }
    return refuse_wrong(conn, ret_text);
}

bool check_origin(struct conn *conn)
{
    const struct listener_spec *spec = conn->listener->spec;
    AUTO_FREE char *origin = conn_header(conn, WSI_TOKEN_ORIGIN);
    bool is_known = origin == NULL;
    for (size_t i = 0; i < spec->n_origins && !is_known; i++) {
        is_known = strcasecmp(spec->origins[i], origin) == 0;
    }
    return is_known;
}
