#include "check.h"
#include "measure.h"

int main(void)
{
    NEAR(celsius_to_fahrenheit(100), 212);
    NEAR(celsius_to_fahrenheit(-40), -40);
    return DONE();
}
