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

/* Further out than this no two streams are alike. */
#define INPUT_MOST 3.0f

void failure_standardise(const struct failure_prior *prior, float inputs[FAILURE_INPUTS])
{
    for (int i = 0; i < FAILURE_SHARED; i++) {
        float z = (inputs[i] - prior->mean[i]) * prior->scale[i];
        inputs[i] = z > INPUT_MOST ? INPUT_MOST : z < -INPUT_MOST ? -INPUT_MOST : z;
    }
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

void failure_net_learn(struct failure_net *net, const float x[FAILURE_SHARED],
                       const float hidden[FAILURE_HIDDEN], double error, double rate)
{
    float by = (float)(error * rate);
    for (int h = 0; h < FAILURE_HIDDEN; h++) {
        float inner = by * net->out[h] * (1 - hidden[h] * hidden[h]);
        net->out[h] -= by * hidden[h];
        net->offset[h] -= inner;
        for (int i = 0; i < FAILURE_SHARED; i++) {
            net->hidden[h][i] -= inner * x[i];
        }
    }
    for (int i = 0; i < FAILURE_SHARED; i++) {
        net->direct[i] -= by * x[i];
    }
    net->bias -= by;
}
