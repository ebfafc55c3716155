"""What a playbook makes of a subject at one instant, in words: pure, whatever was recorded."""
