"""From values of model/ to screens and JSON. Pure: no command, no file, no clock; what is shown is decided from what is passed in."""
