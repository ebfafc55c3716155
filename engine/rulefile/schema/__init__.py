"""The JSON Schema of rule files, made from the same tables the parser reads by."""
