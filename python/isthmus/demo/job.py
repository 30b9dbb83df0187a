DemoSettings = run_demo = None
