"""Programs that hand alerts in, as they would post to a group robot."""
