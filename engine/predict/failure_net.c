/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/predict/failure_private.h"

static float dot(const float *a, const float *b)
{
    float sums[4] = {0, 0, 0, 0};
    int i = 0;
    for (; i + 4 <= FAILURE_SHARED; i += 4) {
        for (int j = 0; j < 4; j++) {
            sums[j] += a[i + j] * b[i + j];
        }
    }
    for (; i < FAILURE_SHARED; i++) {
        sums[0] += a[i] * b[i];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double failure_net_say(const struct failure_net *net, const float x[FAILURE_SHARED],
                       float ret_hidden[FAILURE_HIDDEN])
{
    float sum = net->bias + dot(net->direct, x);
    for (int h = 0; h < FAILURE_HIDDEN; h++) {
        ret_hidden[h] = tanhf(net->offset[h] + dot(net->hidden[h], x));
        sum += net->out[h] * ret_hidden[h];
    }
    return (double)sum;
}

/* Step, then a pull towards where the weight came from. */
static void step(float *weight, float home, float by, float decay)
{
    *weight -= by + decay * (*weight - home);
}

void failure_net_learn(struct failure_net *net, const float x[FAILURE_SHARED],
                       const float hidden[FAILURE_HIDDEN], double error, double rate,
                       double decay, const struct failure_net *home)
{
    float by = (float)(error * rate), pull = (float)decay;
    for (int h = 0; h < FAILURE_HIDDEN; h++) {
        float inner = by * net->out[h] * (1 - hidden[h] * hidden[h]);
        step(&net->out[h], home->out[h], by * hidden[h], pull);
        step(&net->offset[h], home->offset[h], inner, pull);
        for (int i = 0; i < FAILURE_SHARED; i++) {
            step(&net->hidden[h][i], home->hidden[h][i], inner * x[i], pull);
        }
    }
    for (int i = 0; i < FAILURE_SHARED; i++) {
        step(&net->direct[i], home->direct[i], by * x[i], pull);
    }
    step(&net->bias, home->bias, by, pull);
}
