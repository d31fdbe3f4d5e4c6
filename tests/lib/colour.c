/* SPDX-License-Identifier: MIT */
#include "tests/lib/colour.h"

#include <math.h>

static const double cones[EYES_COUNT][3][3] = {
    [EYES_USUAL] = {{1, 0, 0},                        {0, 1, 0}, {0, 0, 1}},
    [EYES_PROTAN] = {{0.152286, 1.052583, -0.204868},
                    {0.114503, 0.786281, 0.099216},
                    {-0.003882, -0.048116, 1.051998}                      },
    [EYES_DEUTAN] = {{0.367322, 0.860646, -0.227968},
                    {0.280085, 0.672501, 0.047413},
                    {-0.011820, 0.042940, 0.968881}                       },
    [EYES_TRITAN] = {{1.255528, -0.076749, -0.178779},
                    {-0.078411, 0.930809, 0.147602},
                    {0.004733, 0.691367, 0.303900}                        },
};

static double linear(uint8_t value)
{
    double share = value / 255.0;
    return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4);
}

static double luminance(struct shade shade)
{
    return 0.2126 * linear(shade.rgb[0]) + 0.7152 * linear(shade.rgb[1]) +
           0.0722 * linear(shade.rgb[2]);
}

double colour_contrast(struct shade a, struct shade b)
{
    double one = luminance(a) + 0.05;
    double other = luminance(b) + 0.05;
    return one > other ? one / other : other / one;
}

static double lab_share(double t)
{
    return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
}

static void lab(struct shade shade, enum eyes eyes, double out[3])
{
    double seen[3];
    for (int i = 0; i < 3; i++) {
        seen[i] = 0;
        for (int j = 0; j < 3; j++) {
            seen[i] += cones[eyes][i][j] * linear(shade.rgb[j]);
        }
        seen[i] = fmin(1, fmax(0, seen[i]));
    }
    double x = lab_share(
        (0.4124564 * seen[0] + 0.3575761 * seen[1] + 0.1804375 * seen[2]) / 0.95047);
    double y = lab_share(0.2126729 * seen[0] + 0.7151522 * seen[1] + 0.0721750 * seen[2]);
    double z = lab_share(
        (0.0193339 * seen[0] + 0.1191920 * seen[1] + 0.9503041 * seen[2]) / 1.08883);
    out[0] = 116 * y - 16;
    out[1] = 500 * (x - y);
    out[2] = 200 * (y - z);
}

double colour_difference(struct shade a, struct shade b, enum eyes eyes)
{
    double one[3];
    double other[3];
    lab(a, eyes, one);
    lab(b, eyes, other);
    return sqrt((one[0] - other[0]) * (one[0] - other[0]) +
                (one[1] - other[1]) * (one[1] - other[1]) +
                (one[2] - other[2]) * (one[2] - other[2]));
}
