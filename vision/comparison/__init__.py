"""Whether one model is better than another: measured on the same images, judged by rules."""
