/* SPDX-License-Identifier: MIT */

/*
 * Exponential smoothing with up to two seasons, one inside the other: Taylor, "Short-term
 * electricity demand forecasting using double seasonal exponential smoothing", JORS 2003, with a
 * damped trend (Gardner and McKenzie 1985), in error correction form. Seasons are additive; on the
 * logarithmic scale that is multiplicative.
 */
#include "engine/predict/forecast_private.h"

#include <math.h>

/* An error beyond this part of the usual one counts no more: the level follows the middle of the
 * outcomes rather than their mean (Gelper, Fried and Croux, "Robust forecasting with exponential and
 * Holt-Winters smoothing", Journal of Forecasting 2010). */
#define CLIP 0.7

struct state {
    double level, trend, last_error;
    double *season, *season_long;
    int n_season, n_season_long;
};

/* Profiles of the first seasons: the mean per place, less what explains it already. */
static void init_state(struct state *state, const struct forecast_series *series)
{
    size_t long_season = (size_t)state->n_season_long, season = (size_t)state->n_season;
    size_t begin = long_season > 1 ? long_season : 3 * season;
    begin = begin < series->origins[0] ? begin : series->origins[0];
    double sum = 0;
    for (size_t t = 0; t < begin; t++) {
        sum += series->y[t];
    }
    state->level = sum / (double)begin;
    for (size_t place = 0; season > 1 && place < season; place++) {
        double at_place = 0, n = 0;
        for (size_t t = place; t < begin; t += season) {
            at_place += series->y[t] - state->level;
            n++;
        }
        state->season[place] = n > 0 ? at_place / n : 0;
    }
    for (size_t place = 0; long_season > 1 && place < long_season && place < begin;
         place++) {
        state->season_long[place] =
            series->y[place] - state->level - state->season[place % season];
    }
}

static void write_row(const struct state *state, const struct forecast_smooth *settings,
                      size_t origin, int horizon, double *row)
{
    double climb = 0, damped = 1, carried = state->last_error;
    for (int h = 0; h < horizon; h++) {
        size_t t = origin + (size_t)h;
        damped *= settings->damping;
        climb += damped * state->trend;
        carried *= settings->carry;
        row[h] = state->level + climb + carried +
                 state->season[t % (size_t)state->n_season] +
                 state->season_long[t % (size_t)state->n_season_long];
    }
}

void forecast_smooth(const struct forecast_series *series,
                     const struct forecast_smooth *settings, struct arena *arena,
                     double *ret_rows)
{
    struct state state = {.n_season = series->season,
                          .n_season_long = series->season_long};
    state.season = arena_array(arena, (size_t)state.n_season, sizeof(double));
    state.season_long = arena_array(arena, (size_t)state.n_season_long, sizeof(double));
    init_state(&state, series);
    double by_season = state.n_season > 1 ? settings->season : 0;
    double by_long = state.n_season_long > 1 ? settings->season_long : 0;
    size_t place = 0, place_long = 0, next = 0;
    double usual = 0;
    for (size_t t = 0; t <= series->n; t++) {
        while (next < series->n_origins && series->origins[next] == t) {
            write_row(&state, settings, t, series->horizon,
                      ret_rows + next++ * (size_t)series->horizon);
        }
        if (t == series->n) {
            break;
        }
        double before = state.level + settings->damping * state.trend +
                        state.season[place] + state.season_long[place_long];
        double off = series->y[t] - before;
        double error = off - settings->carry * state.last_error;
        usual += (fabs(error) - usual) * (t < 20 ? 1.0 / (double)(t + 1) : .05);
        error = fmin(fmax(error, -CLIP * usual), CLIP * usual);
        state.level += settings->damping * state.trend + settings->level * error;
        state.trend =
            settings->damping * state.trend + settings->trend * settings->level * error;
        state.season[place] += by_season * error;
        state.season_long[place_long] += by_long * error;
        state.last_error = off;
        place = place + 1 == (size_t)state.n_season ? 0 : place + 1;
        place_long = place_long + 1 == (size_t)state.n_season_long ? 0 : place_long + 1;
    }
}
