"""From the world's business data to the tenant's rows; what becomes of what is in the docstring one package up."""
