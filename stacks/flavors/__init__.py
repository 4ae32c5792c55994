"""Flavors of stack components that ZenML does not bring."""

# Component type and flavor name -> where the flavor class is imported from.
OWN_FLAVORS = {
    ("data_validator", "deepchecks_tabular"): (
        "stacks.flavors.deepchecks_validator.DeepchecksValidatorFlavor"
    ),
    ("data_validator", "property_schema"): "stacks.flavors.schema_validator.SchemaValidatorFlavor",
}
