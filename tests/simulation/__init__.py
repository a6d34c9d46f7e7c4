"""The whole loop under thousands of faults on a virtual clock; what must hold is read off the world, not off the plan."""
