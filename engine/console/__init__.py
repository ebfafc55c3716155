"""The pages people use in a browser, rendered here on the server."""
