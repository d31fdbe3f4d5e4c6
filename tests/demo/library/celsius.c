#include "measure.h"

double celsius_to_fahrenheit(double celsius)
{
    return celsius * 9 / 5 + 32;
}
