"""The tools of Salesforce, a module a noun."""
