"""The stacks: what each is made of, registered in ZenML so that ``zenml stack set NAME`` works.

One YAML file per stack, in the shape of ``zenml stack export``. What differs between two machines
or two companies is in these files and nowhere in the code.
"""
