/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_COLOUR_H
#define SIGNALBOX_TESTS_LIB_COLOUR_H

/*
 * Colour: how well two colours can be told apart, also by eyes that lack one kind of cone.
 *
 * Contrast: WCAG 2.1, "relative luminance" and "contrast ratio" (w3.org/TR/WCAG21). Simulation:
 * Machado, Oliveira, Fernandes, A Physiologically-based Model for Simulation of Color Vision
 * Deficiency, IEEE TVCG 15(6), 2009, the matrices of severity 1.0, on linear RGB. Difference:
 * CIE 1976 L*a*b*, white D65.
 */

#include <stdint.h>

struct shade {
    uint8_t rgb[3]; /* sRGB */
};

enum eyes { EYES_USUAL, EYES_PROTAN, EYES_DEUTAN, EYES_TRITAN, EYES_COUNT };

/* 1 (the same) to 21 (black on white). */
double colour_contrast(struct shade a, struct shade b);
/* Distance in L*a*b*: about 2 is seen side by side, 20 at a glance. */
double colour_difference(struct shade a, struct shade b, enum eyes eyes);

#endif
