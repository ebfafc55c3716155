"""What our own people have to do: their queues."""
