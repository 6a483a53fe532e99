"""What is asked and tried instead of assumed: the survey and the trial in the contact form."""
